import type { Graph, Node } from '../graph/graph';
import type { Tensor } from '../onnx/tensor';
import { cpuSession, type Feeds, Session } from './session';

/** A graph of float32 matrices in batches, [batch, rows, columns], with its session: made at first use and kept, since it holds nothing but threads. */
class Kernel {
  private session: Promise<Session> | undefined;

  constructor(
    private readonly inputs: readonly string[],
    private readonly nodes: readonly Node[],
  ) {}

  async run(feeds: Feeds): Promise<Float32Array> {
    const graph: Graph = {
      ...{ name: 'kernel', opsets: new Map([['', 17]]), initializers: new Map(), outputs: ['result'] },
      inputs: this.inputs.map(name => ({ name, elemType: 'float32', shape: [null, null, null] })),
      nodes: this.nodes,
    };
    // What runs between two products makes memory its own, and each page of it would interrupt threads that spin.
    this.session ??= Session.create(graph, { ...cpuSession, spinning: false });
    const { result } = await (await this.session).run(feeds);
    return result.data as Float32Array;
  }
}

const node = (
  opType: string,
  inputs: string[],
  output: string,
  attributes: Node['attributes'] = {},
): Node => ({
  ...{ name: output, opType, domain: '', inputs, outputs: [output], attributes },
  ...{ captures: [], scope: '' },
});

const product = new Kernel(['a', 'b'], [node('MatMul', ['a', 'b'], 'result')]);
const productAndSum = new Kernel(
  ['a', 'b', 'c'],
  [node('MatMul', ['a', 'b'], 'product'), node('Add', ['product', 'c'], 'result')],
);
const squares = new Kernel(['a'], [node('ReduceSumSquare', ['a'], 'result', { axes: { ints: [2] } })]);

/**
 * Products of float32 matrices [batch, rows, inner] · [batch, inner, columns], plus c where it is given, by ONNX Runtime's threads and vector
 * instructions on the CPU. All are read where they lie.
 */
export const matMul = (a: Tensor, b: Tensor, c?: Tensor): Promise<Float32Array> =>
  c ? productAndSum.run({ a, b, c }) : product.run({ a, b });

/** The sum of squares of each row of float32 matrices [batch, rows, columns]. */
export const sumsOfSquares = (a: Tensor): Promise<Float32Array> => squares.run({ a });
