import { GraphBuilder, type Types } from '../graph/builder';
import { consumersOf, type Graph, intAttribute, type Node, swapsLast } from '../graph/graph';
import { dependents } from '../graph/topology';
import { numElements } from '../onnx/tensor';
import { padZeros, perAxis } from './axes';
import { transpose } from './emit';

/** Rows of a multiple of 4 KiB begin at one place of a core's first cache. */
const ALIASED = 1024;
/** What they are made longer by: a line of that cache. */
const LINE = 16;
/** With fewer rows, laying out the weights' tangents costs what the products gain. */
const MIN_ROWS = 256;

/** Operators that take zeros, and what becomes of them along a row of these, to finite numbers with finite derivatives. */
const finite = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Neg', 'Abs', 'Identity', 'Clip'],
  ...['Relu', 'LeakyRelu', 'ThresholdedRelu', 'Elu', 'Selu', 'Celu', 'Gelu', 'Erf', 'Sigmoid', 'Tanh'],
  ...['HardSigmoid', 'HardSwish', 'Mish', 'Softplus', 'Softsign', 'Swish'],
]);

/**
 * Makes hidden layers whose width is a multiple of 1,024 wider by 16 units without weights. The same function of the same parameters:
 * what such a unit gives meets zeros only. A product whose left operand has rows of 4, 8 or 12 KiB, as the second product of a transformer's
 * feed-forward block has and the derivative by the input of the first, otherwise takes up to 1.5 times as long: ONNX Runtime's kernel reads twelve rows
 * at once where they lie, and they push each other out of the first cache.
 */
export function padWidths(graph: Graph, types: Types): Graph {
  const layout = new Layout(graph, types);
  const wide = new Set<string>();
  for (const node of graph.nodes) {
    const x = node.inputs[0];
    if (layout.isProduct(node) && !wide.has(x) && layout.isAliased(x))
      layout.grow(x)?.forEach(v => wide.add(v));
  }
  if (wide.size === 0) return graph;
  const b = new GraphBuilder({ ...graph, nodes: [] }, types);
  for (const node of graph.nodes)
    b.addNode(b.within(`${node.name}/wide`, () => layout.widened(b, node, wide)));
  return b.build(graph.outputs);
}

/** What depends on what in a graph, as far as widths go. */
class Layout {
  private readonly consumers;
  private readonly makers;
  private readonly onData;
  private readonly given;
  private readonly refused = new Set<string>();

  constructor(
    private readonly graph: Graph,
    private readonly types: Types,
  ) {
    this.consumers = consumersOf(graph.nodes);
    this.makers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)));
    this.given = new Set(graph.outputs);
    this.onData = dependents(
      graph.nodes,
      graph.inputs.map(i => i.name),
    );
  }

  /** A product of data, row by row, with a matrix that doesn't depend on them. */
  isProduct(node: Node): boolean {
    const { opType, domain, inputs } = node;
    if (domain !== '' || (opType !== 'MatMul' && opType !== 'Gemm')) return false;
    const [x, w, c] = inputs;
    return (
      intAttribute(node, 'transA', 0) === 0 &&
      this.shape(x).length >= 2 &&
      this.shape(w).length === 2 &&
      this.onData.has(x) &&
      !this.onData.has(w) &&
      !this.onData.has(c)
    );
  }

  isAliased(x: string): boolean {
    const width = this.width(x);
    return width % ALIASED === 0 && numElements(this.shape(x)) >= MIN_ROWS * width;
  }

  /** All values that are wider together with this one; undefined where something needs one of them as it is. */
  grow(start: string): ReadonlySet<string> | undefined {
    const region = new Set<string>();
    const open = [start];
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      if (region.has(value)) continue;
      region.add(value);
      const beside = this.refused.has(value) ? undefined : this.beside(value);
      if (!beside) {
        region.forEach(v => this.refused.add(v));
        return undefined;
      }
      open.push(...beside);
    }
    return region;
  }

  /** What is wider where `value` is. */
  private beside(value: string): string[] | undefined {
    const maker = this.makers.get(value);
    if (!maker || this.given.has(value)) return undefined;
    const made = this.isProduct(maker) ? [] : this.operands(maker);
    const readers = (this.consumers.get(value) ?? []).flatMap((node): readonly (string | undefined)[] => {
      if (this.isProduct(node)) return node.inputs.lastIndexOf(value) === 0 ? [] : [undefined];
      return this.operands(node) ? node.outputs : [undefined];
    });
    return made && readers.every((r): r is string => r !== undefined) ? [...made, ...readers] : undefined;
  }

  /** Operands on data that have the width of a pointwise result; undefined where the node takes none of another width. */
  private operands(node: Node): string[] | undefined {
    const { opType, domain, inputs, outputs } = node;
    if (domain !== '' || !finite.has(opType) || outputs.length !== 1) return undefined;
    const isOne = (v: string): boolean => v === '' || this.width(v) === 1;
    if (opType === 'Div' && !isOne(inputs[1])) return undefined;
    if (opType === 'Pow' && !isPowerOfWhole(this.graph.initializers.get(inputs[1])?.data)) return undefined;
    const width = this.width(outputs[0]);
    const wide = inputs.filter(v => !isOne(v));
    return wide.every(v => this.width(v) === width) ? wide.filter(v => this.onData.has(v)) : undefined;
  }

  /** The node with what is `wide` wider, under names of their own. */
  widened(b: GraphBuilder, node: Node, wide: ReadonlySet<string>): Node {
    const renamed = (v: string): string => (wide.has(v) ? `${v}/wide` : v);
    const inputs = node.inputs.map(renamed);
    const isWide = wide.has(node.outputs[0]);
    const pad = (i: number, axis: number): void => void (inputs[i] = this.padded(b, inputs[i], axis));
    const isProduct = this.isProduct(node);
    if (isProduct) {
      const rows = intAttribute(node, 'transB', 0);
      if (wide.has(node.inputs[0])) pad(1, rows);
      if (isWide) pad(1, 1 - rows);
    }
    // What is added and multiplied along the row; one number for the whole of it stays.
    node.inputs.forEach((v, i) => {
      if (isWide && !wide.has(v) && this.width(v) > 1 && !(isProduct && i < 2))
        pad(i, this.shape(v).length - 1);
    });
    return { ...node, inputs, outputs: node.outputs.map(renamed) };
  }

  private padded(b: GraphBuilder, value: string, axis: number): string {
    const maker = b.makerOf(value);
    if (maker && swapsLast(maker) && this.shape(value).length === 2)
      return transpose(b, this.padded(b, maker.inputs[0], 1 - axis), [1, 0]);
    const rank = this.types.get(value)?.shape.length ?? 2;
    return padZeros(b, value, perAxis(rank, axis, 0), perAxis(rank, axis, LINE));
  }

  private shape(value: string): readonly number[] {
    return this.types.get(value)?.shape ?? [];
  }

  private width(value: string): number {
    return this.shape(value).at(-1) ?? 1;
  }
}

/** Powers of whole numbers from 2 on have finite derivatives everywhere. */
const isPowerOfWhole = (exponent: ArrayLike<number | bigint> | undefined): boolean =>
  exponent?.length === 1 && Number.isInteger(Number(exponent[0])) && Number(exponent[0]) >= 2;
