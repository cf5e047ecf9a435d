import type { GraphBuilder } from '../graph/builder';
import { intAttribute } from '../graph/graph';
import { sliceAxis } from './axes';
import type { Canonical } from './canonicalForm';
import { add, mul, reshape, sub, transpose } from './emit';

/** RotaryEmbedding of opset 23: pairs (p, q) of features are turned by their position's angle. */
export const RotaryEmbedding: Canonical = (b, at) => {
  const shape = at.shape(0);
  const heads = intAttribute(at.node, 'num_heads', 0);
  const isPacked = shape.length === 3;
  const [batch, length] = isPacked ? [shape[0], shape[1]] : [shape[0], shape[2]];
  const count = isPacked ? heads : shape[1];
  const features = isPacked ? shape[2] / heads : shape[3];
  const turned = intAttribute(at.node, 'rotary_embedding_dim', 0) || features;
  const half = turned / 2;
  const apart = [batch, length, count, features];
  const x = isPacked ? transpose(b, reshape(b, at.input(0), shape, apart), [0, 2, 1, 3]) : at.input(0);
  const angle = (i: number): string => {
    const rows = at.has(3) ? b.add('Gather', [at.input(i), at.input(3)], { axis: { int: 0 } }) : at.input(i);
    return reshape(b, rows, [batch, length, half], [batch, 1, length, half]);
  };
  const [cos, sin] = [angle(1), angle(2)];
  const isInterleaved = intAttribute(at.node, 'interleaved', 0) === 1;
  const pairs = [batch, count, length, half, 2];
  const whole = [batch, count, length, turned];
  const part = turned === features ? x : sliceAxis(b, x, 3, 0, turned);
  const [p, q] = isInterleaved
    ? [0, 1].map(i => everySecond(b, part, whole, pairs, i))
    : [sliceAxis(b, part, 3, 0, half), sliceAxis(b, part, 3, half, turned)];
  const first = sub(b, mul(b, p, cos), mul(b, q, sin));
  const second = add(b, mul(b, p, sin), mul(b, q, cos));
  const joined = isInterleaved
    ? interleave(b, first, second, pairs, whole)
    : b.add('Concat', [first, second], { axis: { int: 3 } });
  const all =
    turned === features
      ? joined
      : b.add('Concat', [joined, sliceAxis(b, x, 3, turned, features)], { axis: { int: 3 } });
  if (!isPacked) return [all];
  return [reshape(b, transpose(b, all, [0, 2, 1, 3]), apart, shape)];
};

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
