import type { GraphBuilder } from '../../graph/builder';
import { floatAttribute, intAttribute, intsAttribute } from '../../graph/graph';
import { sliceAxis } from '../axes';
import type { Canonical } from '../canonicalForm';
import { add, cast, matmul, reshape, scale, sub } from '../emit';
import { appended, attend, firstKeys, type Heads, mergeHeads, splitHeads, within } from '../heads';
import { turn } from '../rotary';
import type { Site } from '../rule';

/** The attention operators of ONNX Runtime, as far as they need no buffers that several runs share. */

const isRead = (at: Site, output: number): boolean => (at.node.outputs[output] ?? '') !== '';

const scaleOf = (at: Site, features: number): number => {
  const given = floatAttribute(at.node, 'scale', 0);
  return given === 0 ? 1 / Math.sqrt(features) : given;
};

/** A row [width] or more rows of biases, cut from `start` on. */
const part = (b: GraphBuilder, x: string, axis: number, start: number, size: number): string =>
  sliceAxis(b, x, axis, start, start + size);

/**
 * What a padding mask adds to the scores: [batch, 1, rows or 1, columns], or booleans where it holds lengths.
 * Undefined for the forms that only other providers know.
 */
function padding(
  b: GraphBuilder,
  at: Site,
  i: number,
  batch: number,
  columns: number,
): { added: string[]; allowed: string[] } | undefined {
  if (!at.has(i)) return { added: [], allowed: [] };
  const shape = at.shape(i);
  if (shape.length === 1) {
    return shape[0] === batch
      ? { added: [], allowed: [firstKeys(b, at.input(i), batch, columns)] }
      : undefined;
  }
  const isWhole = shape[shape.length - 1] === columns && shape.length <= 3;
  if (!isWhole) return undefined;
  const laid = shape.length === 2 ? [shape[0], 1, 1, columns] : [shape[0], 1, shape[1], columns];
  // 1 where a key may be seen: 0 becomes the filter value, which leaves next to nothing of the key's weight.
  const hidden = sub(b, b.scalar(1), cast(b, reshape(b, at.input(i), shape, laid), 'float32'));
  return { added: [scale(b, hidden, floatAttribute(at.node, 'mask_filter_value', -10000))], allowed: [] };
}

/** Attention over projected queries, keys and values, with the bias of the projection. */
export const MultiHeadAttention: Canonical = (b, at) => {
  const isPlain = at.has(1) && at.has(2) && !at.has(8) && !at.has(9) && !isRead(at, 3);
  if (!isPlain || at.shape(0).length !== 3) return undefined;
  const heads = intAttribute(at.node, 'num_heads', 1);
  const sizes = [0, 1, 2].map(i => (at.shape(i).length === 3 ? at.shape(i)[2] : 0));
  if (at.has(3) && sizes.includes(0)) return undefined;
  const starts = [0, sizes[0], sizes[0] + sizes[1]];
  const operand = (i: number): Heads | undefined => {
    const shape = at.shape(i);
    // Keys and values of another sequence may come with their heads apart.
    if (shape.length === 4) return { value: at.input(i), shape: shape as unknown as Heads['shape'] };
    if (shape.length !== 3) return undefined;
    const bias = at.has(3) ? part(b, at.input(3), 0, starts[i], sizes[i]) : undefined;
    return splitHeads(b, bias ? add(b, at.input(i), bias) : at.input(i), shape, heads);
  };
  const [q, ownK, ownV] = [operand(0), operand(1), operand(2)];
  if (!q || !ownK || !ownV) return undefined;
  const k = at.has(6) ? appended(b, at.input(6), at.shape(6), ownK) : ownK;
  const v = at.has(7) ? appended(b, at.input(7), at.shape(7), ownV) : ownV;
  return attended(b, at, q, k, v, { mask: 4, bias: 5, past: at.has(6) ? at.shape(6)[2] : 0 });
};

function attended(
  b: GraphBuilder,
  at: Site,
  q: Heads,
  k: Heads,
  v: Heads,
  place: { mask: number; bias: number; past: number },
): string[] | undefined {
  const [batch, , rows, features] = q.shape;
  const columns = k.shape[2];
  const mask = padding(b, at, place.mask, batch, columns);
  if (!mask) return undefined;
  const causal = intAttribute(at.node, 'unidirectional', 0) === 1;
  const { result } = attend(b, q, k, v, {
    scale: scaleOf(at, features),
    softcap: 0,
    added: [...mask.added, ...(at.has(place.bias) ? [at.input(place.bias)] : [])],
    allowed: [...mask.allowed, ...(causal ? [within(b, rows, columns, place.past)] : [])],
  });
  return [mergeHeads(b, result), k.value, v.value];
}

/** Attention that holds the projection: one weight [in, queries + keys + values]. */
export const ContribAttention: Canonical = (b, at) => {
  const isPlain = !at.has(4) && !at.has(6) && !isRead(at, 1) && intAttribute(at.node, 'do_rotary', 0) === 0;
  if (!isPlain) return undefined;
  const heads = intAttribute(at.node, 'num_heads', 1);
  const third = at.shape(1)[1] / 3;
  const sizes = intsAttribute(at.node, 'qkv_hidden_sizes') ?? [third, third, third];
  const [batch, length] = at.shape(0);
  const product = matmul(b, at.input(0), at.input(1));
  const projected = at.has(2) ? add(b, product, at.input(2)) : product;
  const [q, k, v] = sizes.map((size, i) => {
    const start = sizes.slice(0, i).reduce((x, y) => x + y, 0);
    return splitHeads(b, part(b, projected, 2, start, size), [batch, length, size], heads);
  });
  return attended(b, at, q, k, v, { mask: 3, bias: 5, past: 0 })?.slice(0, 1);
};

/** Causal attention with fewer heads of keys than of queries: the first run, which finds no keys in its cache. */
export const GroupQueryAttention: Canonical = (b, at) => {
  const isFirst = !at.has(3) || at.shape(3)[2] === 0;
  const isPlain = ![9, 11, 12, 13, 14, 15].some(i => at.has(i)) && !isRead(at, 3);
  const flags = ['smooth_softmax', 'sliding_window_cache', 'qk_output'];
  if (!isFirst || !isPlain || flags.some(name => intAttribute(at.node, name, 0) !== 0)) return undefined;
  const count = intAttribute(at.node, 'num_heads', 1);
  const keyCount = intAttribute(at.node, 'kv_num_heads', 1);
  const [batch, length, width] = at.shape(0) as [number, number, number];
  const features = width / (at.has(1) ? count : count + 2 * keyCount);
  const sizes = [count, keyCount, keyCount].map(n => n * features);
  const [q, k, v] = sizes.map((size, i) => {
    const start = sizes.slice(0, i).reduce((x, y) => x + y, 0);
    const value = at.has(1) ? at.input(i) : part(b, at.input(0), 2, start, size);
    return splitHeads(b, value, [batch, length, size], size / features);
  });
  const turned = (x: Heads): Heads => {
    if (intAttribute(at.node, 'do_rotary', 0) === 0) return x;
    const half = at.shape(7)[1];
    const angle = (i: number): string =>
      reshape(b, part(b, at.input(i), 0, 0, length), [length, half], [1, 1, length, half]);
    return turn(b, x, angle(7), angle(8), half, intAttribute(at.node, 'rotary_interleaved', 0) === 1);
  };
  const [queries, keys] = [turned(q), turned(k)];
  const window = intAttribute(at.node, 'local_window_size', -1);
  const causal = intAttribute(at.node, 'causal', 1) === 1;
  const { result } = attend(b, queries, keys, v, {
    scale: scaleOf(at, features),
    softcap: floatAttribute(at.node, 'softcap', 0),
    added: at.has(10) ? [at.input(10)] : [],
    allowed: causal ? [within(b, length, length, 0, window < 0 ? Infinity : window - 1)] : [],
  });
  return [mergeHeads(b, result), keys.value, v.value];
};

/** Rotary position embedding by position ids, or by the position of the first element alone. */
export const ContribRotaryEmbedding: Canonical = (b, at) => {
  if (intAttribute(at.node, 'is_packed_batching', 0) !== 0) return undefined;
  const shape = at.shape(0);
  const half = at.shape(2)[1];
  const isPacked = shape.length === 3;
  const count = intAttribute(at.node, 'num_heads', 0) || shape[2] / (2 * half);
  const x: Heads = isPacked
    ? splitHeads(b, at.input(0), shape, count)
    : { value: at.input(0), shape: shape as unknown as Heads['shape'] };
  const [batch, , length] = x.shape;
  const ids = at.shape(1);
  const steps = b.ints(Array.from({ length }, (_, i) => i));
  const positions = ids.length === 1 ? add(b, steps, at.input(1)) : at.input(1);
  const samples = ids.length === 1 ? 1 : batch;
  const angle = (i: number): string => {
    const rows = b.add('Gather', [at.input(i), positions], { axis: { int: 0 } });
    return reshape(b, rows, [], [samples, 1, length, half]);
  };
  const y = turn(b, x, angle(2), angle(3), half, intAttribute(at.node, 'interleaved', 0) === 1);
  return [isPacked ? mergeHeads(b, y) : y.value];
};
