import type { GraphBuilder } from '../graph/builder';
import { intAttribute } from '../graph/graph';
import { sliceAxis } from './axes';
import type { Canonical } from './canonicalForm';
import { add, mul, reshape, sub } from './emit';
import { type Heads, mergeHeads, splitHeads } from './heads';

/** RotaryEmbedding of opset 23: pairs (p, q) of features are turned by their position's angle. */
export const RotaryEmbedding: Canonical = (b, at) => {
  const shape = at.shape(0);
  const isPacked = shape.length === 3;
  const x: Heads = isPacked
    ? splitHeads(b, at.input(0), shape, intAttribute(at.node, 'num_heads', 1))
    : { value: at.input(0), shape: shape as unknown as Heads['shape'] };
  const [batch, , length, features] = x.shape;
  const half = (intAttribute(at.node, 'rotary_embedding_dim', 0) || features) / 2;
  const angle = (i: number): string => {
    const rows = at.has(3) ? b.add('Gather', [at.input(i), at.input(3)], { axis: { int: 0 } }) : at.input(i);
    return reshape(b, rows, [batch, length, half], [batch, 1, length, half]);
  };
  const turned = turn(b, x, angle(1), angle(2), half, intAttribute(at.node, 'interleaved', 0) === 1);
  return [isPacked ? mergeHeads(b, turned) : turned.value];
};

/**
 * Turns the first 2·`half` features of each head; the rest stay.
 * @param cos @param sin of the angles, [batch or 1, 1, sequence, half]
 * @param isInterleaved pairs are neighbours, else they lie `half` apart
 */
export function turn(
  b: GraphBuilder,
  x: Heads,
  cos: string,
  sin: string,
  half: number,
  isInterleaved: boolean,
): Heads {
  const [batch, count, length, features] = x.shape;
  const width = 2 * half;
  const pairs = [batch, count, length, half, 2];
  const whole = [batch, count, length, width];
  const part = width === features ? x.value : sliceAxis(b, x.value, 3, 0, width);
  const [p, q] = isInterleaved
    ? [0, 1].map(i => everySecond(b, part, whole, pairs, i))
    : [sliceAxis(b, part, 3, 0, half), sliceAxis(b, part, 3, half, width)];
  const first = sub(b, mul(b, p, cos), mul(b, q, sin));
  const second = add(b, mul(b, p, sin), mul(b, q, cos));
  const joined = isInterleaved
    ? interleave(b, first, second, pairs, whole)
    : b.add('Concat', [first, second], { axis: { int: 3 } });
  if (width === features) return { ...x, value: joined };
  const rest = sliceAxis(b, x.value, 3, width, features);
  return { ...x, value: b.add('Concat', [joined, rest], { axis: { int: 3 } }) };
}

type Shape = readonly number[];

function everySecond(b: GraphBuilder, x: string, whole: Shape, pairs: Shape, i: number): string {
  const picked = sliceAxis(b, reshape(b, x, whole, pairs), 4, i, i + 1);
  return reshape(b, picked, [...pairs.slice(0, 4), 1], pairs.slice(0, 4));
}

function interleave(b: GraphBuilder, p: string, q: string, pairs: Shape, whole: Shape): string {
  const column = [...pairs.slice(0, 4), 1];
  const laid = [p, q].map(v => reshape(b, v, pairs.slice(0, 4), column));
  return reshape(b, b.add('Concat', laid, { axis: { int: 4 } }), pairs, whole);
}
