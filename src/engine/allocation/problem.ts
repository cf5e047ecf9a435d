/** One bit width that a layer could take. */
export interface Choice {
  readonly bits: number;
  /** What the loss is expected to suffer at this width, such as Ω; any finite number. */
  readonly sensitivity: number;
  /** The standard error of `sensitivity`; that of one layer's widths is one error, as they rest on one trace. */
  readonly stderr?: number;
  /** By name: `bytes` on disk with scales and zero points, `bops`, `latency` in milliseconds, or anything else. Not negative. */
  readonly costs: Readonly<Record<string, number>>;
}

export interface AllocatableLayer {
  readonly name: string;
  /** How many weights; budgets in bits per weight and ratios need it. 0 for an activation. */
  readonly parameters?: number;
  /** Trace divided by the number of weights, by which HAWQ-V2 orders layers. */
  readonly averageTrace?: number;
  /** At least one, each of another width. */
  readonly choices: readonly Choice[];
}

/** The sum of a cost over the layers may not exceed this. */
export interface Limit {
  readonly cost: string;
  readonly limit: number;
}

/** Layers that each take one of their widths. */
export interface AllocationProblem {
  readonly layers: readonly AllocatableLayer[];
  /** Layers of one tie, by name, take the same width. */
  readonly ties: readonly (readonly string[])[];
  /** Widths that are settled, by the layer's name. */
  readonly pins: Readonly<Record<string, number>>;
}

/** Names of the costs, in the order of the first choice. */
export const costNames = ({ layers }: AllocationProblem): string[] =>
  Object.keys(layers[0]?.choices[0]?.costs ?? {});

/** How many weights all layers have; undefined where one doesn't tell. */
export const totalParameters = ({ layers }: AllocationProblem): number | undefined =>
  layers.reduce<number | undefined>(
    (sum, { parameters }) => (sum === undefined || parameters === undefined ? undefined : sum + parameters),
    0,
  );
