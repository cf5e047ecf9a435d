import {
  consumersOf,
  type Graph,
  intAttribute,
  intsAttribute,
  type Node,
  qualifiedOpType,
  stringAttribute,
} from '../graph/graph';
import { innerNodes } from '../graph/subgraphs';
import { normalizeAxis } from '../ops/rule';
import { findParameters } from './parameters';

/** A weight of rank 2 or more with the nodes that use it; what is quantized as one. */
export interface Layer {
  /** The name a person would recognise. */
  readonly name: string;
  readonly initializer: string;
  readonly shape: readonly number[];
  readonly size: number;
  /** Operator of the first use. */
  readonly opType: string;
  readonly nodes: readonly string[];
  /** Axis of the output channels in the initializer; null where they lie along none. */
  readonly channelAxis: number | null;
}

type WeightOperand = (node: Node, i: number, rank: number) => number | null | undefined;

const isTransposed = (node: Node, i: number): boolean =>
  intAttribute(node, i === 0 ? 'transA' : 'transB', 0) === 1;

const convolution: WeightOperand = (_node, i) => (i === 1 ? 0 : undefined);

// A′ is [M, K] and B′ [K, N]; output channels of A lie along M, those of B along N.
const product: WeightOperand = (node, i) => (i > 1 ? undefined : (i === 0) === isTransposed(node, i) ? 1 : 0);

/** Its output channels lie along the last letter that only this operand brings into the result. */
const einsum: WeightOperand = (node, i) => {
  const [left, right] = stringAttribute(node, 'equation', '').replace(/\s/g, '').split('->');
  const terms = left.split(',');
  const own = terms[i] ?? '';
  const isChannel = (letter: string): boolean =>
    (right ?? '').includes(letter) && terms.every((term, k) => k === i || !term.includes(letter));
  const axis = own.includes('...') ? -1 : [...own].findLastIndex(isChannel);
  return axis >= 0 ? axis : null;
};

const recurrent = (_node: Node, i: number): number | undefined => (i === 1 || i === 2 ? 1 : undefined);

/** Which operand of an operator is a weight when it is constant, and where its output channels lie. */
const weightOperands: Readonly<Record<string, WeightOperand>> = {
  Conv: convolution,
  ConvTranspose: (node, i) => (i === 1 ? (intAttribute(node, 'group', 1) === 1 ? 1 : null) : undefined),
  Gemm: product,
  MatMul: (_node, i, rank) => (i === 1 ? rank - 1 : rank - 2),
  Einsum: einsum,
  // Input and recurrent weights, [directions, gates × hidden, …].
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  Gather: (node, i) => (i === 0 && intAttribute(node, 'axis', 0) === 0 ? 0 : undefined),
  'com.microsoft::FusedConv': convolution,
  'com.microsoft::FusedGemm': product,
  'com.microsoft::FusedMatMul': (node, i, rank) =>
    (i === 1) === isTransposed(node, i) ? rank - 2 : rank - 1,
  'com.microsoft::Attention': (_node, i) => (i === 1 ? 1 : undefined),
  'com.microsoft::EmbedLayerNormalization': (_node, i) => (i >= 2 && i <= 4 ? 0 : undefined),
};

/** Operators behind which a weight is still the same weight. */
const aliases = new Set(['Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Cast']);

export const isAlias = (node: Node): boolean => node.domain === '' && aliases.has(node.opType);

/** The layers of a graph, in the order in which the model runs them. */
export function findLayers(graph: Graph): Layer[] {
  const consumers = consumersOf(graph.nodes);
  const order = new Map(graph.nodes.map((n, i) => [n, i]));
  const inside = new Map<Node, Node[]>();
  const insideOf = (node: Node): Node[] => {
    const nodes = inside.get(node) ?? innerNodes(node);
    inside.set(node, nodes);
    return nodes;
  };
  const found: { layer: Omit<Layer, 'name'>; uses: Node[] }[] = [];
  for (const { name, shape, size } of findParameters(graph)) {
    if (shape.length < 2) continue;
    const uses: { node: Node; opType: string; axis: number | null }[] = [];
    const follow = (value: string, axes: readonly (number | null)[]): void => {
      for (const node of consumers.get(value) ?? []) {
        if (isAlias(node)) {
          follow(node.outputs[0], movedAxes(node, axes));
          continue;
        }
        // A branch or loop body uses a weight in nodes of its own; the node around it stands for them.
        for (const user of node.captures.includes(value) ? insideOf(node) : [node]) {
          user.inputs.forEach((input, i) => {
            const operand = input === value ? weightOperands[qualifiedOpType(user)] : undefined;
            const axis = operand?.(user, i, axes.length);
            if (axis === undefined) return;
            const moved = axis === null ? null : (axes[normalizeAxis(axis, axes.length)] ?? null);
            uses.push({ node, opType: user.opType, axis: moved });
          });
        }
      }
    };
    follow(
      name,
      shape.map((_, i) => i),
    );
    uses.sort((a, b) => order.get(a.node)! - order.get(b.node)!);
    const first = uses[0];
    if (!first) continue;
    found.push({
      layer: {
        initializer: name,
        shape,
        size,
        opType: first.opType,
        nodes: [...new Set(uses.map(u => u.node.name))],
        channelAxis: first.axis,
      },
      uses: uses.map(u => u.node),
    });
  }
  found.sort((a, b) => order.get(a.uses[0])! - order.get(b.uses[0])!);
  const taken = new Set<string>();
  return found.map(({ layer, uses }) => ({
    ...layer,
    name: unique(displayName(layer.initializer, uses[0], consumers), taken),
  }));
}

/** Which axis of the initializer each axis of an alias is; null where a reshape has mixed them. */
function movedAxes(node: Node, axes: readonly (number | null)[]): readonly (number | null)[] {
  switch (node.opType) {
    case 'Transpose': {
      const perm = intsAttribute(node, 'perm') ?? axes.map((_, i) => axes.length - 1 - i);
      return perm.map(p => axes[p] ?? null);
    }
    case 'Identity':
    case 'Cast':
      return axes;
    default:
      return axes.map(() => null);
  }
}

/** Names that exporters make up for weights they have transformed. */
const anonymous = /^(onnx::\w+|val_\d+|_val_\d+|\d+|.*_transposed|const_fold_opt__\d+)$/;

function displayName(
  initializer: string,
  node: Node,
  consumers: ReadonlyMap<string, readonly Node[]>,
): string {
  if (!anonymous.test(initializer)) return initializer;
  const fromPath = node.name.startsWith('/') ? node.name.split('/').slice(1, -1).join('.') : '';
  const scope = node.scope || fromPath || biasScope(node, consumers);
  return scope ? `${scope}.weight` : initializer;
}

/** The module that the bias beside a weight names, whether the operator adds it or the node behind it. */
function biasScope(node: Node, consumers: ReadonlyMap<string, readonly Node[]>): string {
  const next = consumers.get(node.outputs[0]) ?? [];
  const beside = [...node.inputs.slice(2), ...(next[0]?.opType === 'Add' ? next[0].inputs : [])];
  return beside.find(name => name.endsWith('.bias'))?.slice(0, -'.bias'.length) ?? '';
}

function unique(base: string, taken: Set<string>): string {
  let name = base;
  for (let i = 2; taken.has(name); i++) name = `${base}#${i}`;
  taken.add(name);
  return name;
}
