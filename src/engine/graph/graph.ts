import type { AttributeProto } from 'onnx-buf';
import type { ElemType, Tensor } from '../onnx/tensor';

/**
 * One of these; a record with the kind as its key, as the file has it. Subgraphs are kept as they were read.
 */
export type Attribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly tensor: Tensor }
  | { readonly proto: AttributeProto };

export interface Node {
  /** Unique in its graph, also where the file left it empty. */
  readonly name: string;
  readonly opType: string;
  /** Empty for the standard domain. */
  readonly domain: string;
  /** Empty names stand for absent optional inputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Values that subgraphs of this node read from outside. */
  readonly captures: readonly string[];
  /** The module path that the exporter recorded, outermost first. */
  readonly scope: string;
}

/** Dimensions are numbers once bound, names or null before. */
export type Dimension = number | string | null;

export interface ValueInfo {
  readonly name: string;
  readonly elemType: ElemType;
  readonly shape: readonly Dimension[];
}

/**
 * An immutable graph in topological order. Every value has one producer: an input, an initializer or a node.
 */
export interface Graph {
  readonly name: string;
  /** Operator set version by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly string[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[];
}

/** Name of an operator with its domain where it isn't the standard one. */
export const qualifiedOpType = (node: Node): string =>
  node.domain === '' ? node.opType : `${node.domain}::${node.opType}`;

/** All values a node reads, those of its subgraphs included; absent optional inputs left out. */
export const reads = (node: Node): string[] => [...node.inputs, ...node.captures].filter(name => name !== '');

export function intAttribute(node: Node, name: string, otherwise: number): number {
  const a = node.attributes[name];
  return a && 'int' in a ? a.int : otherwise;
}

export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  const a = node.attributes[name];
  return a && 'ints' in a ? a.ints : undefined;
}

export function floatAttribute(node: Node, name: string, otherwise: number): number {
  const a = node.attributes[name];
  return a && 'float' in a ? a.float : otherwise;
}

export function stringAttribute(node: Node, name: string, otherwise: string): string {
  const a = node.attributes[name];
  return a && 'string' in a ? a.string : otherwise;
}

/** The nodes that read each value, in order. */
export function consumersOf(nodes: readonly Node[]): Map<string, Node[]> {
  const consumers = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const value of new Set(reads(node))) {
      const list = consumers.get(value);
      if (list) list.push(node);
      else consumers.set(value, [node]);
    }
  }
  return consumers;
}

/** The value that a value is a copy of, through Identity nodes: exporters merge tensors of the same numbers. */
export function behindIdentity(value: string, makerOf: (value: string) => Node | undefined): string {
  const maker = makerOf(value);
  return maker?.opType === 'Identity' ? behindIdentity(maker.inputs[0], makerOf) : value;
}

/** Whether a node swaps the last two axes and leaves the rest. */
export function swapsLast(node: Node): boolean {
  const perm = node.opType === 'Transpose' && node.domain === '' ? intsAttribute(node, 'perm') : undefined;
  const rank = perm?.length ?? 0;
  return perm?.every((p, i) => p === (i < rank - 2 ? i : 2 * rank - 3 - i)) ?? false;
}
