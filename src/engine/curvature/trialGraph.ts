import { GraphBuilder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { float32Tensor, numElements, type Tensor } from '../onnx/tensor';
import { prepare } from '../runtime/prepare';
import type { Feeds } from '../runtime/session';
import { Rng } from '../util/rng';
import { hvpGraph } from './productGraphs';

/** The version of most models at hand. */
const OPSET = 17;
const [SAMPLES, CHANNELS, SIDE, WIDTH] = [2, 16, 16, 256];
const IMAGES = [SAMPLES, CHANNELS, SIDE, SIDE];
const LOGITS = [SAMPLES, 2 * CHANNELS, SIDE];

/**
 * The Hessian-vector product of a small network with a convolution, and products of matrices with a softmax between them;
 * and numbers to feed it. It is what a provider must compute rightly to be of use, and large enough, about 0.1 GFLOP, that
 * starting kernels is not all that is timed.
 */
export async function trialGraph(): Promise<{ readonly graph: Graph; readonly feeds: Feeds }> {
  const parameters = {
    kernel: normals('kernel', [2 * CHANNELS, CHANNELS, 3, 3], 1 / 12),
    mix: normals('mix', [SIDE * SIDE, WIDTH], 1 / 16),
    head: normals('head', [WIDTH, SIDE], 1),
  };
  const empty: Graph = {
    ...{ name: 'trial', opsets: new Map([['', OPSET]]), nodes: [], outputs: [] },
    inputs: [{ name: 'x', elemType: 'float32', shape: IMAGES }],
    initializers: new Map(Object.entries(parameters)),
  };
  const b = new GraphBuilder(empty, new Map());
  const features = b.add('Tanh', [b.add('Conv', ['x', 'kernel'], { pads: { ints: [1, 1, 1, 1] } })]);
  const rows = b.add('Reshape', [features, b.ints([SAMPLES, 2 * CHANNELS, SIDE * SIDE])]);
  const shares = b.add('Softmax', [b.add('MatMul', [rows, 'mix'])], { axis: { int: -1 } });
  const logits = b.add('MatMul', [shares, 'head']);
  const names = new Set(Object.keys(parameters));
  const prepared = await prepare(b.build([logits]), new Map([['x', IMAGES]]), names);
  const graph = await hvpGraph(
    prepared,
    { kind: 'mse', logits, shape: LOGITS, classAxis: 2, isLabelled: true },
    'mean',
    Object.entries(parameters).map(([name, { shape, data }]) => ({ name, shape, size: data.length })),
  );
  const feeds = graph.inputs.map(i => [i.name, normals(i.name, i.shape as number[], 1)] as const);
  return { graph, feeds: Object.fromEntries(feeds) };
}

const normals = (name: string, shape: readonly number[], scale: number): Tensor =>
  float32Tensor(
    shape,
    Rng.of(0, name)
      .normals(numElements(shape))
      .map(x => scale * x),
  );
