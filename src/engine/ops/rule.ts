import { invariant } from '../errors';
import type { GraphBuilder } from '../graph/builder';
import type { Node } from '../graph/graph';
import { type Tensor, type TensorType, isFloat, toNumbers } from '../onnx/tensor';

/** A tangent or cotangent: the name of a value, or null for a zero that is never computed. */
export type Derivative = string | null;

/**
 * How an operator's outputs depend on its differentiable inputs; decides where a layer's Hessian block equals
 * its GGN block.
 */
export type Linearity =
  /** Linear in all of them together. */
  | 'linear'
  /** Linear in each one while the others are fixed. */
  | 'multilinear'
  /** Linear within the cells of a partition of the input space (Relu, MaxPool). */
  | 'piecewise'
  | 'nonlinear';

/**
 * Both derivatives of one operator. Rules emit only operators that have rules themselves or are zero by
 * definition, so every derivative can be differentiated again; a test walks this closure.
 */
export interface OpRule {
  readonly linearity: Linearity;
  /** Tangents of the outputs from tangents of the inputs; not all of those are zero. */
  readonly jvp: (b: GraphBuilder, at: Site, tangents: readonly Derivative[]) => readonly Derivative[];
  /**
   * Cotangents of the inputs where `needs` asks for them; not all of `cotangents` (of the outputs) are zero.
   */
  readonly vjp: (
    b: GraphBuilder,
    at: Site,
    cotangents: readonly Derivative[],
    needs: readonly boolean[],
  ) => readonly Derivative[];
  /** Whether the rule covers this form of the operator; all forms when absent. */
  readonly covers?: (node: Node) => boolean;
  /** Inputs that carry no derivative by definition, such as axes, indices and running statistics. */
  readonly constantInputs?: readonly number[];
  /** Whether it has one output, each of whose elements depends on one element of each operand; operands may broadcast. */
  readonly isPointwise?: boolean;
}

/** An operator is differentiable by its rule, or zero by definition. What is in no table is unknown. */
export type Op = OpRule | 'zero';

/** A node where a rule is applied, with the types of its values. */
export class Site {
  constructor(
    readonly node: Node,
    private readonly types: ReadonlyMap<string, TensorType>,
    private readonly builder: GraphBuilder,
  ) {}

  input(i: number): string {
    const name = this.node.inputs[i];
    invariant(
      name !== undefined && name !== '',
      `${this.node.opType} node ${this.node.name} has no input ${i}`,
    );
    return name;
  }

  has(i: number): boolean {
    return (this.node.inputs[i] ?? '') !== '';
  }

  output(i = 0): string {
    return this.node.outputs[i];
  }

  typeOf(name: string): TensorType {
    const type = this.types.get(name);
    invariant(type, `the type of "${name}" at ${this.node.opType} node ${this.node.name} is not known`);
    return type;
  }

  shape(i: number): readonly number[] {
    return this.typeOf(this.input(i)).shape;
  }

  outShape(i = 0): readonly number[] {
    return this.typeOf(this.output(i)).shape;
  }

  isFloatInput(i: number): boolean {
    return this.has(i) && isFloat(this.typeOf(this.input(i)).elemType);
  }

  /** The value of an operand that must be known when the derivative graph is built, such as axes. */
  constant(i: number): Tensor | undefined {
    return this.has(i) ? this.builder.constantOf(this.input(i)) : undefined;
  }

  /** The numbers of such an operand. Throws where it is computed from data, which the rule then doesn't cover. */
  numbers(i: number): number[] {
    const tensor = this.constant(i);
    if (!tensor)
      throw new Error(`"${this.input(i)}" is computed when the model runs, and the rule needs it beforehand`);
    return toNumbers(tensor);
  }
}

export const normalizeAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
