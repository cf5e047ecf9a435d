import type { GraphBuilder } from '../graph/builder';
import { int64Tensor } from '../onnx/tensor';
import { add, cast, div, expand, indicator, matmul, mul, reshape, scale, transpose } from './emit';

/** What the operators for scaled dot-product attention have in common. */

/** A value of shape [batch, heads, sequence, features per head]. */
export interface Heads {
  readonly value: string;
  readonly shape: readonly [batch: number, heads: number, sequence: number, features: number];
}

/** [batch, sequence, heads · features], the heads side by side, as heads of their own. */
export function splitHeads(b: GraphBuilder, x: string, shape: readonly number[], heads: number): Heads {
  const [batch, length, width] = shape as [number, number, number];
  const features = width / heads;
  const apart = reshape(b, x, shape, [batch, length, heads, features]);
  return { value: transpose(b, apart, [0, 2, 1, 3]), shape: [batch, heads, length, features] };
}

/** The inverse of `splitHeads`. */
export function mergeHeads(b: GraphBuilder, { value, shape }: Heads): string {
  const [batch, heads, length, features] = shape;
  const apart = transpose(b, value, [0, 2, 1, 3]);
  return reshape(b, apart, [batch, length, heads, features], [batch, length, heads * features]);
}

/** Keys or values behind those that an earlier run left. */
export function appended(
  b: GraphBuilder,
  past: string,
  pastShape: readonly number[],
  { value, shape }: Heads,
): Heads {
  const [batch, heads, length, features] = shape;
  const whole = pastShape[2] === 0 ? value : b.add('Concat', [past, value], { axis: { int: 2 } });
  return { value: whole, shape: [batch, heads, pastShape[2] + length, features] };
}

/** Each head of keys or values serves several neighbouring heads of queries. */
function repeated(b: GraphBuilder, { value, shape }: Heads, heads: number): string {
  const [batch, own, length, features] = shape;
  const times = heads / own;
  if (times === 1) return value;
  const apart = [batch, own, 1, length, features];
  const wide = [batch, own, times, length, features];
  const laid = expand(b, reshape(b, value, shape, apart), apart, wide);
  return reshape(b, laid, wide, [batch, heads, length, features]);
}

export interface Weighting {
  readonly scale: number;
  /** 0 for none. */
  readonly softcap: number;
  /** Values that are added to the scores, broadcasting against [batch, heads, rows, columns]. */
  readonly added: readonly string[];
  /** Booleans that hold where a query may see a key, broadcasting likewise. */
  readonly allowed: readonly string[];
}

/** Softmax(cap(s Q Kᵀ) + added) V over the keys that are allowed, with the values on the way. */
export interface Attended {
  readonly result: Heads;
  /** The scaled scores, then capped, then with what is added, then the weights. */
  readonly stages: readonly string[];
}

export function attend(b: GraphBuilder, q: Heads, k: Heads, v: Heads, how: Weighting): Attended {
  const [batch, heads, rows] = q.shape;
  const keys = repeated(b, k, heads);
  const scores = scale(b, matmul(b, q.value, transpose(b, keys, [0, 1, 3, 2])), how.scale);
  const capped =
    how.softcap === 0
      ? scores
      : scale(b, b.add('Tanh', [div(b, scores, b.scalar(how.softcap))]), how.softcap);
  const logits = how.added.reduce((x, y) => add(b, x, y), capped);
  const weights = softmaxOver(b, logits, how.allowed);
  const result = matmul(b, weights, repeated(b, v, heads));
  return {
    result: { value: result, shape: [batch, heads, rows, v.shape[3]] },
    stages: [scores, capped, logits, weights],
  };
}

/** The lowest float32: what it is added to is all but excluded, and a row of nothing else is still finite. */
const LOWEST = -3.4028234663852886e38;

/** Softmax over the last axis where `allowed`; a query that may see no key gets no weights at all. */
function softmaxOver(b: GraphBuilder, logits: string, allowed: readonly string[]): string {
  const softmax = (x: string): string => b.add('Softmax', [x], { axis: { int: 3 } });
  if (allowed.length === 0) return softmax(logits);
  const mask = allowed.reduce((x, y) => b.add('And', [x, y]));
  return mul(b, softmax(b.add('Where', [mask, logits, b.scalar(LOWEST)])), indicator(b, mask));
}

/** [rows, columns]: which keys lie no further ahead of a query than `ahead`, and no further behind than `behind`. */
export function within(
  b: GraphBuilder,
  rows: number,
  columns: number,
  ahead: number,
  behind = Infinity,
): string {
  const data = Uint8Array.from({ length: rows * columns }, (_, i) => {
    const distance = (i % columns) - Math.floor(i / columns);
    return Number(distance <= ahead && distance >= ahead - behind);
  });
  return b.constant({ elemType: 'bool', shape: [rows, columns], data }, 'mask');
}

/** [batch, 1, 1, columns]: the first keys of each sample, as many as `lengths` [batch] says. */
export function firstKeys(b: GraphBuilder, lengths: string, batch: number, columns: number): string {
  const positions = b.ints(Array.from({ length: columns }, (_, i) => i));
  return b.add('Less', [positions, perSample(b, lengths, batch)]);
}

/** [batch, 1, rows, columns]: causal where the last query stands at the last of each sample's `lengths` [batch] keys. */
export function causalByLength(
  b: GraphBuilder,
  lengths: string,
  batch: number,
  rows: number,
  columns: number,
): string {
  const needed = Array.from(
    { length: rows * columns },
    (_, i) => (i % columns) - Math.floor(i / columns) + rows,
  );
  const ahead = b.constant(int64Tensor(needed, [rows, columns]), 'keysNeeded');
  return b.add('LessOrEqual', [ahead, perSample(b, lengths, batch)]);
}

const perSample = (b: GraphBuilder, lengths: string, batch: number): string =>
  cast(b, reshape(b, lengths, [batch], [batch, 1, 1, 1]), 'int64');
