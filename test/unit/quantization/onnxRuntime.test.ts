import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ElemType, Tensor } from '../../../src/engine/onnx/tensor';
import { float32Tensor, storage } from '../../../src/engine/onnx/tensor';
import { affineOf } from '../../../src/engine/quantization/levels';
import { dequantize, quantize } from '../../../src/engine/quantization/quantize';
import {
  type Granularity,
  type QuantizedTensor,
  type Quantizer,
  rangeMethods,
} from '../../../src/engine/quantization/quantizer';
import { Session } from '../../../src/engine/runtime/session';
import { Rng } from '../../../src/engine/util/rng';
import { input, makeGraph, type NodeSpec } from '../../support/models';

const SHAPE = [6, 40, 9];
const SIZE = 2160;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Values that meet each branch of the arithmetic. */
const values: Record<string, (rng: Rng, i: number) => number> = {
  normal: rng => rng.normal(),
  // With ends at ±127/8 the symmetric scale at 8 bits is 1/8, so that half of these lie between two levels.
  ties: (rng, i) => (i % 27 === 0 ? 127 / 8 : (rng.below(4 * 127) - 2 * 127) / 16),
  lopsided: rng => Math.exp(rng.normal()) - 1.5,
  positive: rng => 0.5 + rng.uniform(),
  denormal: rng => (rng.below(2 ** 12) - 2 ** 11) * 2 ** -149,
  'of every magnitude': rng => rng.normal() * 10 ** (rng.below(60) - 30),
  extreme: (rng, i) => (i % 5 === 0 ? (i % 2 ? 1 : -1) * LARGEST * rng.uniform() : rng.normal()),
};

const granularities: Granularity[] = [
  { kind: 'tensor' },
  { kind: 'channel', axis: 0 },
  { kind: 'channel', axis: 2 },
  { kind: 'block', axis: 1, size: 16 },
  { kind: 'block', axis: 2, size: 4 },
];

const typeOf = ({ bits, symmetric }: Quantizer): ElemType => `${symmetric ? '' : 'u'}int${bits}` as ElemType;
const attributesOf = (granularity: Granularity): NonNullable<NodeSpec[3]> => ({
  ...(granularity.kind === 'tensor' ? {} : { axis: { int: granularity.axis } }),
  ...(granularity.kind === 'block' ? { block_size: { int: granularity.size } } : {}),
});
const tensorOf = (elemType: ElemType, shape: readonly number[], data: ArrayLike<number>): Tensor => ({
  elemType,
  shape,
  data: storage[elemType as 'int8'].from(data),
});

/** What ONNX Runtime dequantizes the integers to; with `x`, also the integers that it quantizes that to. */
async function byOnnxRuntime(
  quantized: QuantizedTensor,
  x?: Float32Array,
): Promise<{ values: Tensor; integers?: Tensor }> {
  const { quantizer, shape, scaleShape } = quantized;
  const type = typeOf(quantizer);
  const attributes = attributesOf(quantizer.granularity);
  const parameters = ['scale', 'zero'];
  const graph = makeGraph(
    x ? [input('x', ...shape)] : [],
    {
      integers: tensorOf(type, shape, quantized.integers),
      scale: float32Tensor(scaleShape, quantized.scales),
      zero: tensorOf(type, scaleShape, quantized.zeroPoints),
    },
    [
      ['DequantizeLinear', ['integers', ...parameters], 'values', attributes],
      ...(x
        ? ([
            ['QuantizeLinear', ['x', ...parameters], 'q', attributes],
            // The Node binding can't hand out packed integers.
            ['Cast', ['q'], 'wide', { to: { int: 6 } }],
          ] satisfies NodeSpec[])
        : []),
    ],
    25,
  );
  const session = await Session.create({ ...graph, outputs: x ? ['values', 'wide'] : ['values'] });
  const results = await session.run(x ? { x: float32Tensor(shape, x) } : {});
  await session.dispose();
  return { values: results.values, integers: results.wide };
}

const bits = (data: Float32Array): Uint32Array =>
  new Uint32Array(data.buffer, data.byteOffset, data.length).map(word => (word === 2 ** 31 ? 0 : word));

describe('integers and values are those of ONNX Runtime, bit for bit', () => {
  for (const width of [2, 4, 8, 16]) {
    for (const symmetric of [true, false]) {
      test(`${symmetric ? 'int' : 'uint'}${width}`, async () => {
        for (const granularity of granularities) {
          for (const range of rangeMethods) {
            for (const [kind, draw] of Object.entries(values)) {
              const rng = Rng.of(width, kind);
              const data = Float32Array.from({ length: SIZE }, (_, i) => draw(rng, i));
              const quantizer = { bits: width, symmetric, granularity, range };
              const quantized = quantize({ name: kind, shape: SHAPE, data }, quantizer);
              // ONNX Runtime 1.30 loses some integers of 2 bits where each value of a row has its own scale.
              const isQuantized = width > 2 || granularity.kind !== 'channel' || granularity.axis !== 2;
              const found = await byOnnxRuntime(quantized, isQuantized ? data : undefined);
              const title = JSON.stringify({ kind, ...quantizer });
              assert.deepEqual(bits(found.values.data as Float32Array), bits(dequantize(quantized)), title);
              // The operator has no levels without the lowest; where ranges are clipped it comes up.
              const lowest = symmetric ? 1 - 2 ** (width - 1) : 0;
              const integers =
                found.integers && (found.integers.data as Int32Array).map(q => Math.max(q, lowest));
              if (integers) assert.deepEqual(integers, quantized.integers, title);
            }
          }
        }
      });
    }
  }
});

test('scale and zero point at 8 bits are those of DynamicQuantizeLinear', async () => {
  const graph = makeGraph([input('x', 'n')], {}, [['DynamicQuantizeLinear', ['x'], 'y']]);
  const [node] = graph.nodes;
  const session = await Session.create({
    ...graph,
    nodes: [{ ...node, outputs: ['y', 'scale', 'zero'] }],
    outputs: ['y', 'scale', 'zero'],
  });
  for (let seed = 0; seed < 3000; seed++) {
    const rng = Rng.of(seed);
    const spread = 10 ** (rng.below(20) - 10);
    const data = Float32Array.from({ length: 5 }, () => spread * (rng.normal() + rng.below(3) - 1));
    const { scale, zero } = await session.run({ x: float32Tensor([5], data) });
    const expected = affineOf({ low: Math.min(...data), high: Math.max(...data) }, 8, false);
    assert.deepEqual([scale.data[0], zero.data[0]], [expected.scale, expected.zeroPoint], `seed ${seed}`);
  }
  await session.dispose();
});

/** MatMulNBits' operands: [N, K] in blocks along K, each [N, blocks, bytes], the last one filled up with zeros. */
function packedBlocks({ quantizer, integers, shape, zeroPoints }: QuantizedTensor, size: number) {
  const [n, k] = shape;
  const perByte = 8 / quantizer.bits;
  const blocks = Math.ceil(k / size);
  const weights = new Uint8Array((n * blocks * size) / perByte);
  const zeros = new Uint8Array(n * Math.ceil(blocks / perByte));
  const put = (into: Uint8Array, row: number, rowBytes: number, at: number, value: number): void => {
    into[row * rowBytes + Math.floor(at / perByte)] |= value << (quantizer.bits * (at % perByte));
  };
  for (let row = 0; row < n; row++) {
    for (let j = 0; j < k; j++) put(weights, row, (blocks * size) / perByte, j, integers[row * k + j]);
    for (let b = 0; b < blocks; b++)
      put(zeros, row, Math.ceil(blocks / perByte), b, zeroPoints[row * blocks + b]);
  }
  return {
    weights: { elemType: 'uint8', shape: [n, blocks, size / perByte], data: weights } satisfies Tensor,
    zeros: { elemType: 'uint8', shape: [zeros.length], data: zeros } satisfies Tensor,
  };
}

describe('MatMulNBits multiplies by the same values', () => {
  for (const width of [2, 4, 8]) {
    for (const [k, size] of [
      [64, 16],
      [80, 32],
      [128, 128],
    ]) {
      test(`${width} bits, ${k} inputs in blocks of ${size}`, async () => {
        const n = 24;
        for (const [kind, draw] of Object.entries(values)) {
          const rng = Rng.of(width, k, kind);
          const data = Float32Array.from({ length: n * k }, (_, i) => draw(rng, i));
          const quantized = quantize(
            { name: kind, shape: [n, k], data },
            {
              bits: width,
              symmetric: false,
              range: 'min-max',
              granularity: { kind: 'block', axis: 1, size },
            },
          );
          const { weights, zeros } = packedBlocks(quantized, size);
          const scales = float32Tensor([quantized.scales.length], quantized.scales);
          const graph = makeGraph([input('x', k, k)], { weights, scales, zeros }, [
            [
              'MatMulNBits',
              ['x', 'weights', 'scales', 'zeros'],
              'y',
              { K: { int: k }, N: { int: n }, bits: { int: width }, block_size: { int: size } },
              'com.microsoft',
            ],
          ]);
          const session = await Session.create(graph);
          const identity = Float32Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));
          const { y } = await session.run({ x: float32Tensor([k, k], identity) });
          await session.dispose();
          const expected = dequantize(quantized);
          const transposed = Float32Array.from(
            expected,
            (_, i) => (y.data as Float32Array)[(i % k) * n + Math.floor(i / k)],
          );
          assert.deepEqual(bits(transposed), bits(expected), kind);
        }
      });
    }
  }
});
