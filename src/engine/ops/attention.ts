import type { GraphBuilder } from '../graph/builder';
import { floatAttribute, intAttribute } from '../graph/graph';
import { float32Tensor } from '../onnx/tensor';
import type { Canonical } from './canonicalForm';
import { add, div, expand, matmul, reshape, scale, transpose } from './emit';
import type { Site } from './rule';

/** Batch, heads, sequence, features per head. */
type Heads = readonly [number, number, number, number];

/**
 * Scaled dot-product attention of opset 23, spelled out: softmax(cap(s Q Kᵀ) + mask) V. Nodes that keep a cache or give
 * out more than the result stay as they are.
 */
export const Attention: Canonical = (b, at) => {
  if (at.has(4) || at.has(5) || at.node.outputs.slice(1).some(o => o !== '')) return undefined;
  const queryHeads = intAttribute(at.node, 'q_num_heads', 0);
  const keyHeads = intAttribute(at.node, 'kv_num_heads', 0);
  const q = split(b, at, 0, queryHeads);
  const k = split(b, at, 1, keyHeads);
  const v = split(b, at, 2, keyHeads);
  const [batch, heads, rows, features] = q.shape;
  const columns = k.shape[2];
  const keys = repeated(b, k.value, k.shape, heads);
  const values = repeated(b, v.value, v.shape, heads);
  const scores = matmul(b, q.value, transpose(b, keys, [0, 1, 3, 2]));
  const scaled = scale(b, scores, floatAttribute(at.node, 'scale', 1 / Math.sqrt(features)));
  const masked = withMask(b, at, capped(b, at, scaled), rows, columns);
  const weights = b.add('Softmax', [masked], { axis: { int: 3 } });
  const result = matmul(b, weights, values);
  if (at.shape(0).length === 4) return [result];
  const merged = transpose(b, result, [0, 2, 1, 3]);
  return [reshape(b, merged, [batch, rows, heads, v.shape[3]], at.outShape())];
};

/** Operand i as [batch, heads, sequence, features]; operands of rank 3 hold the heads side by side. */
function split(b: GraphBuilder, at: Site, i: number, heads: number): { value: string; shape: Heads } {
  const shape = at.shape(i);
  if (shape.length === 4) return { value: at.input(i), shape: shape as unknown as Heads };
  const [batch, length, width] = shape as [number, number, number];
  const apart = reshape(b, at.input(i), shape, [batch, length, heads, width / heads]);
  return { value: transpose(b, apart, [0, 2, 1, 3]), shape: [batch, heads, length, width / heads] };
}

/** Grouped-query attention: each head of keys or values serves several heads of queries. */
function repeated(b: GraphBuilder, x: string, shape: Heads, heads: number): string {
  const [batch, own, length, features] = shape;
  const times = heads / own;
  if (times === 1) return x;
  const apart = [batch, own, 1, length, features];
  const wide = [batch, own, times, length, features];
  return reshape(b, expand(b, reshape(b, x, shape, apart), apart, wide), wide, [
    batch,
    heads,
    length,
    features,
  ]);
}

function capped(b: GraphBuilder, at: Site, scores: string): string {
  const cap = floatAttribute(at.node, 'softcap', 0);
  return cap === 0 ? scores : scale(b, b.add('Tanh', [div(b, scores, b.scalar(cap))]), cap);
}

function withMask(b: GraphBuilder, at: Site, scores: string, rows: number, columns: number): string {
  let result = scores;
  if (at.has(3)) {
    const isBool = at.typeOf(at.input(3)).elemType === 'bool';
    result = add(
      b,
      result,
      isBool ? b.add('Where', [at.input(3), b.scalar(0), b.scalar(-Infinity)]) : at.input(3),
    );
  }
  if (intAttribute(at.node, 'is_causal', 0) === 1) {
    const future = Float32Array.from({ length: rows * columns }, (_, i) =>
      i % columns > Math.floor(i / columns) ? -Infinity : 0,
    );
    result = add(b, result, b.constant(float32Tensor([rows, columns], future), 'causalMask'));
  }
  return result;
}
