import { getNodeValue, type Node } from 'jsonc-parser';

/** A stretch of a text, in characters from its start. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** New text for a part of the file. */
export interface Replacement {
  readonly where: Span;
  readonly text: string;
}

/** A property of an object in a JSON text, as far as it is there: a file that is being typed is seldom whole. */
export interface JsonProperty {
  readonly key: string;
  readonly content: unknown;
  /** The name with its quotes, the value, and both. */
  readonly name: Span;
  readonly value: Span;
  readonly whole: Span;
}

export const spanOf = ({ offset, length }: Node): Span => ({ offset, length });

/** The properties of an object that have a value; none where there is no object. */
export function propertiesOf(object: Node | undefined): JsonProperty[] {
  if (object?.type !== 'object') return [];
  return (object.children ?? []).flatMap(property => {
    const [name, value] = property.children ?? [];
    if (!name || !value) return [];
    return [
      {
        key: String(getNodeValue(name)),
        content: getNodeValue(value) as unknown,
        name: spanOf(name),
        value: spanOf(value),
        whole: spanOf(property),
      },
    ];
  });
}
