import { findNodeAtLocation, getNodeValue, type Node, parseTree } from 'jsonc-parser';
import { type JsonProperty, propertiesOf, type Span, spanOf } from '../json/spans';

/** One layer's line in a file of bit widths. */
export interface BitsEntry extends Omit<JsonProperty, 'key' | 'content'> {
  readonly layer: string;
  /** Undefined where no number stands there yet. */
  readonly bits: number | undefined;
}

export interface BitsDocument {
  readonly model: string | undefined;
  readonly report: string | undefined;
  readonly entries: readonly BitsEntry[];
  /** The word `bits`, where remarks on the file as a whole go; undefined where there is none. */
  readonly heading: Span | undefined;
}

/** Reads as much as is there: a file that is being typed is seldom whole. */
export function readBitsDocument(text: string): BitsDocument {
  const root = parseTree(text);
  const at = (key: string): Node | undefined => root && findNodeAtLocation(root, [key]);
  const words = (key: string): string | undefined => {
    const value: unknown = at(key) && getNodeValue(at(key)!);
    return typeof value === 'string' ? value : undefined;
  };
  const bits = at('bits');
  const heading = bits?.parent?.children?.[0];
  return {
    model: words('model'),
    report: words('report'),
    entries: propertiesOf(bits).map(({ key, content, ...spans }) => ({
      layer: key,
      bits: typeof content === 'number' ? content : undefined,
      ...spans,
    })),
    heading: heading && spanOf(heading),
  };
}
