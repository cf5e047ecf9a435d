/** What the reader of a report settles before widths are chosen. */
export interface Decisions {
  /** Widths by layer; 32 leaves the layer in float32. */
  readonly pins: Readonly<Record<string, number>>;
  /** Layers of one tie, by name, take the same width. */
  readonly ties: readonly (readonly string[])[];
}

export const undecided: Decisions = { pins: {}, ties: [] };
