import type { GraphBuilder } from '../graph/builder';
import { floatAttribute, intAttribute } from '../graph/graph';
import type { Canonical } from './canonicalForm';
import { add, div, expand, indicator, matmul, mul, reshape, scale, transpose } from './emit';
import type { Site } from './rule';

/** Batch, heads, sequence, features per head. */
type Heads = readonly [number, number, number, number];

const known = new Set([
  'is_causal',
  'q_num_heads',
  'kv_num_heads',
  'qk_matmul_output_mode',
  'scale',
  'softcap',
  'softmax_precision',
]);

/**
 * Scaled dot-product attention of opset 23, spelled out: softmax(cap(s Q Kᵀ) + mask) V. Nodes that keep a cache, give out
 * more than the result, or have attributes of later versions stay as they are.
 */
export const Attention: Canonical = (b, at) => {
  const isPlain = !at.has(4) && !at.has(5) && !at.has(6) && at.node.outputs.slice(1).every(o => o === '');
  if (!isPlain || Object.keys(at.node.attributes).some(name => !known.has(name))) return undefined;
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
  const weights = attentionWeights(b, at, capped(b, at, scaled), rows, columns);
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

/** The lowest float32: what it is added to is all but excluded, and a row of nothing else is still finite. */
const LOWEST = -3.4028234663852886e38;

/** Softmax over the keys that the masks allow; a query that may see none of them gets no weights at all. */
function attentionWeights(b: GraphBuilder, at: Site, scores: string, rows: number, columns: number): string {
  const allowed: string[] = [];
  let logits = scores;
  if (at.has(3)) {
    if (at.typeOf(at.input(3)).elemType === 'bool') allowed.push(at.input(3));
    else logits = add(b, logits, at.input(3));
  }
  if (intAttribute(at.node, 'is_causal', 0) === 1) {
    const past = Uint8Array.from({ length: rows * columns }, (_, i) =>
      Number(i % columns <= Math.floor(i / columns)),
    );
    allowed.push(b.constant({ elemType: 'bool', shape: [rows, columns], data: past }, 'causalMask'));
  }
  const softmax = (x: string): string => b.add('Softmax', [x], { axis: { int: 3 } });
  if (allowed.length === 0) return softmax(logits);
  const mask = allowed.reduce((x, y) => b.add('And', [x, y]));
  return mul(b, softmax(b.add('Where', [mask, logits, b.scalar(LOWEST)])), indicator(b, mask));
}
