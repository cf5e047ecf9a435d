import { openMatrix } from '../../src/engine/analysis/openMatrix';
import { defaultSpectrumOptions } from '../../src/engine/analysis/matrixOptions';
import { hessianOperator } from '../../src/engine/curvature/products';
import { basisBytes, lanczos } from '../../src/engine/estimators/lanczos';
import type { Attribute, Graph } from '../../src/engine/graph/graph';
import { float32Tensor, type Tensor } from '../../src/engine/onnx/tensor';
import { Session } from '../../src/engine/runtime/session';
import { Rng } from '../../src/engine/util/rng';
import type { Vector } from '../../src/engine/util/vector';
import { input, makeGraph, type NodeSpec, Workspace } from '../support/models';

const STEPS = 100;
/** 12 GiB. */
const MEMORY = '12.88GB';
const SIDE = 112;
const SAMPLES = 4;
const CLASSES = 1000;

/** A ResNet-50 with its batch normalizations folded away: 25.5 million parameters. */
function resnet50(): Graph {
  const random = Rng.of(0, 'bench');
  const weights: Record<string, Tensor> = {};
  const nodes: NodeSpec[] = [];
  const weight = (name: string, shape: number[], gain: number): string => {
    const size = shape.reduce((a, b) => a * b, 1);
    const std = Math.sqrt(gain / (size / shape[0]));
    weights[name] = float32Tensor(
      shape,
      Float32Array.from(random.normals(size), x => std * x),
    );
    return name;
  };
  const bias = (name: string, size: number): string => {
    weights[name] = float32Tensor([size], new Float32Array(size));
    return name;
  };
  const node = (
    op: string,
    inputs: string[],
    name: string,
    attributes?: Record<string, Attribute>,
  ): string => {
    nodes.push([op, inputs, name, attributes]);
    return name;
  };
  // The last convolution of a block has a small gain, so that sixteen residuals don't blow up.
  const conv = (
    x: string,
    name: string,
    from: number,
    to: number,
    kernel: number,
    stride = 1,
    gain = 2,
  ): string =>
    node(
      'Conv',
      [x, weight(`${name}.weight`, [to, from, kernel, kernel], gain), bias(`${name}.bias`, to)],
      name,
      {
        strides: { ints: [stride, stride] },
        pads: { ints: Array<number>(4).fill(kernel >> 1) },
      },
    );
  const relu = (x: string): string => node('Relu', [x], `${x}.relu`);

  let x = node('MaxPool', [relu(conv('x', 'stem', 3, 64, 7, 2))], 'pool', {
    kernel_shape: { ints: [3, 3] },
    strides: { ints: [2, 2] },
    pads: { ints: [1, 1, 1, 1] },
  });
  let channels = 64;
  for (const [stage, blocks] of [3, 4, 6, 3].entries()) {
    const width = 64 << stage;
    for (let block = 0; block < blocks; block++) {
      const name = `layer${stage + 1}.${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const shortcut = block === 0 ? conv(x, `${name}.down`, channels, 4 * width, 1, stride, 1) : x;
      const inner = relu(conv(x, `${name}.conv1`, channels, width, 1));
      const middle = relu(conv(inner, `${name}.conv2`, width, width, 3, stride));
      const last = conv(middle, `${name}.conv3`, width, 4 * width, 1, 1, 0.1);
      x = relu(node('Add', [last, shortcut], name));
      channels = 4 * width;
    }
  }
  const flat = node('Flatten', [node('GlobalAveragePool', [x], 'mean')], 'flat');
  node('Gemm', [flat, weight('fc.weight', [CLASSES, channels], 1), bias('fc.bias', CLASSES)], 'logits', {
    transB: { int: 1 },
  });
  return makeGraph([input('x', 'N', 3, SIDE, SIDE)], weights, nodes);
}

async function secondsOf<T>(run: () => Promise<T>, add: (seconds: number) => void): Promise<T> {
  const start = performance.now();
  try {
    return await run();
  } finally {
    add((performance.now() - start) / 1000);
  }
}

/** Counts the seconds in which sessions run, for products and for the basis, until it is stopped. */
function sessionTime(): { seconds: () => number; stop: () => void } {
  const { prototype } = Session;
  const run = Object.getOwnPropertyDescriptor(prototype, 'run')?.value as Session['run'];
  let sum = 0;
  prototype.run = function (this: Session, feeds) {
    return secondsOf(
      () => run.call(this, feeds),
      seconds => (sum += seconds),
    );
  };
  return { seconds: () => sum, stop: () => (prototype.run = run) };
}

/** Seconds of Lanczos with full reorthogonalisation on 25 million parameters: in the products and in TypeScript, and the peak of memory. */
export async function lanczosCost(): Promise<void> {
  const workspace = new Workspace();
  try {
    const file = workspace.model('resnet50.onnx', resnet50());
    const random = Rng.of(1, 'bench');
    const data = workspace.npz('resnet50.npz', {
      x: { shape: [SAMPLES, 3, SIDE, SIDE], data: random.normals(SAMPLES * 3 * SIDE * SIDE) },
      labels: { shape: [SAMPLES], data: BigInt64Array.from({ length: SAMPLES }, (_, i) => BigInt(97 * i)) },
    });
    const opened = await openMatrix(
      { ...defaultSpectrumOptions, model: file, data, memory: MEMORY, executionProvider: 'cpu' },
      size => basisBytes(size, STEPS),
    );
    const { problem } = opened.ready;
    const operator = await hessianOperator(problem, opened.parameters);
    let inProducts = 0;
    const timed = {
      size: operator.size,
      apply: (v: Vector, into?: Vector) =>
        secondsOf(
          () => operator.apply(v, into),
          seconds => (inProducts += seconds),
        ),
    };
    const sessions = sessionTime();
    console.log(
      `\nLanczos on ${operator.size} parameters, ${SAMPLES} samples of ${SIDE}×${SIDE}, ${problem.batch} at a time, ` +
        `within ${MEMORY}: ${(opened.predictedBytes / 1e9).toFixed(2)} GB predicted`,
    );
    const began = performance.now();
    let steps = 0;
    // No residual is below 0, so that all steps are taken.
    for await (const step of lanczos(timed, { count: 1, seed: 0, tolerance: -1, maxSteps: STEPS })) {
      ({ steps } = step);
      if (steps % 10 > 0) continue;
      const all = (performance.now() - began) / 1000;
      const inside = sessions.seconds();
      console.log(
        `  step ${String(steps).padStart(3)}: products ${inProducts.toFixed(1)} s, orthogonalising ${(all - inProducts).toFixed(1)} s; ` +
          `of all in ONNX Runtime ${inside.toFixed(1)} s, in TypeScript ${(all - inside).toFixed(1)} s; ` +
          `memory ${(process.memoryUsage.rss() / 1e9).toFixed(2)} GB, λmax ${step.eigenvalues[0].value.toPrecision(6)}`,
      );
    }
    sessions.stop();
    console.log(
      `  ${steps} steps, peak of memory ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB`,
    );
    await operator.dispose();
  } finally {
    workspace.remove();
  }
}
