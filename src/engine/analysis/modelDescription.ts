/** A node of the model as the text view shows it. */
export interface NodeDescription {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** `name=value` in the file's order; long values are shortened. */
  readonly attributes: readonly string[];
  /** Names of the layers whose weight this node uses. */
  readonly layers: readonly string[];
}

export interface TensorDescription {
  readonly name: string;
  /** ONNX's name in lower case; `sequence`, `optional` and the like for an output that is no tensor, `unknown` for one without a type. */
  readonly elemType: string;
  /** Numbers, or names of symbolic dimensions; absent where the file tells none. */
  readonly shape?: readonly (number | string)[];
}

/** What can be told of a model by reading it, without running anything. */
export interface ModelDescription {
  readonly file: string;
  readonly opset: number;
  readonly producer: string;
  readonly parameters: number;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly initializers: readonly TensorDescription[];
  readonly nodes: readonly NodeDescription[];
}
