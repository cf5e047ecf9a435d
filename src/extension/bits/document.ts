import { findNodeAtLocation, getNodeValue, type Node, parseTree } from 'jsonc-parser';

/** A stretch of a text, in characters from its start. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** One layer's line in a file of bit widths. */
export interface BitsEntry {
  readonly layer: string;
  /** Undefined where no number stands there yet. */
  readonly bits: number | undefined;
  /** The name with its quotes, the width, and both. */
  readonly name: Span;
  readonly value: Span;
  readonly whole: Span;
}

export interface BitsDocument {
  readonly model: string | undefined;
  readonly report: string | undefined;
  readonly entries: readonly BitsEntry[];
  /** The word `bits`, where remarks on the file as a whole go; undefined where there is none. */
  readonly heading: Span | undefined;
}

const span = ({ offset, length }: Node): Span => ({ offset, length });

/** Reads as much as is there: a file that is being typed is seldom whole. */
export function readBitsDocument(text: string): BitsDocument {
  const root = parseTree(text);
  const at = (key: string): Node | undefined => root && findNodeAtLocation(root, [key]);
  const words = (key: string): string | undefined => {
    const value: unknown = at(key) && getNodeValue(at(key)!);
    return typeof value === 'string' ? value : undefined;
  };
  const bits = at('bits');
  const properties = bits?.type === 'object' ? (bits.children ?? []) : [];
  const heading = bits?.parent?.children?.[0];
  return {
    model: words('model'),
    report: words('report'),
    entries: properties.flatMap(property => {
      const [name, value] = property.children ?? [];
      if (!name || !value) return [];
      const width: unknown = getNodeValue(value);
      return [
        {
          layer: String(getNodeValue(name)),
          bits: typeof width === 'number' ? width : undefined,
          name: span(name),
          value: span(value),
          whole: span(property),
        },
      ];
    }),
    heading: heading && span(heading),
  };
}
