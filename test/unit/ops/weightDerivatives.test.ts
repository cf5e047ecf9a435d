import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jvp } from '../../../src/engine/autodiff/jvp';
import { vjp } from '../../../src/engine/autodiff/vjp';
import { GraphBuilder } from '../../../src/engine/graph/builder';
import { type Graph, intsAttribute, type Node } from '../../../src/engine/graph/graph';
import { float32Tensor, numElements, type Tensor } from '../../../src/engine/onnx/tensor';
import { lower } from '../../../src/engine/runtime/lower';
import { Session } from '../../../src/engine/runtime/session';
import { inferTypes } from '../../../src/engine/runtime/types';
import { Rng } from '../../../src/engine/util/rng';
import { input, makeGraph } from '../../support/models';

interface Case {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly group: number;
}

const plain: Case = {
  x: [2, 16, 7, 6],
  w: [16, 16, 3, 3],
  ...{ strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], group: 1 },
};
/** Weights wide enough that their taps are shared out between both operands, and forms where they can't be. */
const cases: Record<string, Case> = {
  plain,
  'without pads': { ...plain, pads: [0, 0, 0, 0] },
  'with uneven pads': { ...plain, pads: [0, 1, 2, 0] },
  'with pads beyond the kernel': { ...plain, pads: [3, 0, 0, 1] },
  dilated: { ...plain, dilations: [2, 1], pads: [2, 1, 2, 1] },
  'with an even kernel': { ...plain, w: [16, 16, 4, 2] },
  'strided along the last axis': { ...plain, strides: [1, 2] },
  'strided along the first axis': { ...plain, strides: [2, 1] },
  grouped: { ...plain, x: [2, 48, 7, 6], w: [48, 16, 3, 3], group: 3 },
  'of more inputs than outputs': { ...plain, x: [2, 40, 7, 6], w: [16, 40, 3, 3] },
  'of more outputs than positions': { ...plain, w: [64, 16, 3, 3] },
  'of more outputs than positions, strided': {
    ...plain,
    w: [64, 16, 3, 3],
    strides: [2, 1],
    pads: [0, 1, 1, 0],
  },
  'of more outputs than positions, dilated': {
    ...plain,
    w: [64, 16, 2, 3],
    dilations: [3, 1],
    pads: [2, 0, 1, 2],
  },
  'of one tap': { ...plain, x: [2, 40, 7, 6], w: [16, 40, 1, 1], pads: [0, 0, 0, 0] },
  'of many taps': { ...plain, x: [2, 3, 17, 15], w: [16, 3, 7, 6], strides: [2, 2], pads: [3, 3, 2, 3] },
  'of many taps, dilated': {
    ...plain,
    x: [2, 3, 24, 19],
    w: [16, 3, 6, 5],
    strides: [3, 1],
    dilations: [2, 2],
    pads: [4, 2, 1, 3],
  },
};

function sizeOut({ x, w, strides, dilations, pads }: Case): number[] {
  return [0, 1].map(
    i => Math.floor((x[2 + i] + pads[i] + pads[2 + i] - (w[2 + i] - 1) * dilations[i] - 1) / strides[i]) + 1,
  );
}

/** Σ over samples and positions of cotangent times input, in float64, term by term. */
function expectedGradient(c: Case, x: Float32Array, g: Float32Array): Float64Array {
  const [samples, channels, height, width] = c.x;
  const [outputs, perGroup, kh, kw] = c.w;
  const [oh, ow] = sizeOut(c);
  const result = new Float64Array(numElements(c.w));
  let at = 0;
  for (let o = 0; o < outputs; o++) {
    const first = Math.floor(o / (outputs / c.group)) * perGroup;
    for (let i = 0; i < perGroup; i++) {
      for (let a = 0; a < kh; a++) {
        for (let b = 0; b < kw; b++, at++) {
          for (let n = 0; n < samples; n++) {
            for (let p = 0; p < oh; p++) {
              const row = p * c.strides[0] + a * c.dilations[0] - c.pads[0];
              if (row < 0 || row >= height) continue;
              for (let q = 0; q < ow; q++) {
                const column = q * c.strides[1] + b * c.dilations[1] - c.pads[1];
                if (column < 0 || column >= width) continue;
                const value = x[((n * channels + first + i) * height + row) * width + column];
                result[at] += value * g[((n * outputs + o) * oh + p) * ow + q];
              }
            }
          }
        }
      }
    }
  }
  return result;
}

/** Cases whose gradient is one product over the positions of all samples. */
const asOneProduct = (title: string): boolean => title.startsWith('of more outputs than positions');

function convolution(c: Case): { graph: Graph; shape: number[] } {
  const attributes = {
    strides: { ints: c.strides },
    dilations: { ints: c.dilations },
    pads: { ints: c.pads },
    group: { int: c.group },
  };
  const shape = [c.x[0], c.w[0], ...sizeOut(c)];
  const inputs = [input('x', ...c.x), input('w', ...c.w), input('t', ...c.w), input('g', ...shape)];
  return { graph: makeGraph(inputs, {}, [['Conv', ['x', 'w'], 'y', attributes]]), shape };
}

const random = (name: string, shape: readonly number[]): Float32Array =>
  Rng.of(0, name).normals(numElements(shape));

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Tensor> {
  const session = await Session.create(graph);
  const [result] = Object.values(await session.run(feeds));
  await session.dispose();
  return result;
}

function assertNear(found: Tensor, expected: ArrayLike<number>): void {
  assert.equal(found.data.length, expected.length);
  // Sums of at most 144 products of normal numbers, in float32.
  Array.from(expected, (e, i) =>
    assert.ok(Math.abs(e - (found.data[i] as number)) < 1e-4, `${i}: ${String(found.data[i])}, not ${e}`),
  );
}

describe('the gradient of a convolution’s weight', () => {
  for (const [title, c] of Object.entries(cases)) {
    test(title, async () => {
      const { graph, shape } = convolution(c);
      const types = await inferTypes(graph);
      const b = new GraphBuilder(graph, types);
      const wanted = new Set(['w']);
      const cotangents = vjp(b, graph.nodes, types, new Map([['y', 'g']]), wanted, wanted);
      const gradient = b.build([cotangents.get('w')!]);
      const lowered = await lower(gradient, await inferTypes(gradient));
      const [x, g] = [random('x', c.x), random('g', shape)];
      const feeds = { x: float32Tensor([...c.x], x), g: float32Tensor(shape, g) };
      const found = await run(gradient, feeds);
      assert.deepEqual([...found.shape], [...c.w]);
      const expected = expectedGradient(c, x, g);
      assertNear(found, expected);
      assertNear(await run(lowered, feeds), expected);
      // Windows of all samples in a row are made with the samples as an axis.
      const isWide = (n: Node): boolean =>
        n.opType === 'Conv' && intsAttribute(n, 'kernel_shape')?.length === 3;
      assert.equal(lowered.nodes.some(isWide), asOneProduct(title));
    });
  }
});

describe('the tangent of a convolution by its weight', () => {
  for (const [title, c] of Object.entries(cases)) {
    test(title, async () => {
      const { graph } = convolution(c);
      const types = await inferTypes(graph);
      const b = new GraphBuilder(graph, types);
      const tangents = jvp(b, graph.nodes, types, new Map([['w', 't']]), ['y']);
      const tangent = b.build([tangents.get('y')!]);
      const feeds = {
        x: float32Tensor([...c.x], random('x', c.x)),
        t: float32Tensor([...c.w], random('t', c.w)),
      };
      // A convolution is linear in its weight.
      const expected = await run({ ...graph, inputs: graph.inputs.slice(0, 2) }, { x: feeds.x, w: feeds.t });
      const found = await run(tangent, feeds);
      assert.deepEqual([...found.shape], [...expected.shape]);
      assertNear(found, expected.data as Float32Array);
      assertNear(
        await run(await lower(tangent, await inferTypes(tangent)), feeds),
        expected.data as Float32Array,
      );
      assert.equal(
        tangent.nodes.some(n => n.opType === 'MatMul'),
        asOneProduct(title),
      );
    });
  }
});
