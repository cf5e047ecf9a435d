import { intAttribute, intsAttribute } from '../graph/graph';
import { isFloat } from '../onnx/tensor';
import { sliceAxis } from './axes';
import { applied, linear, reshaping } from './combinators';
import { cast, reduceSum, reshape, transpose, unbroadcast, zeros } from './emit';
import { normalizeAxis, type Op, type Site } from './rule';

/** Operators that move, repeat, drop or pick elements; all linear in their data. */

const Transpose: Op = {
  linearity: 'linear',
  jvp: (b, at, [t]) => [t ? transpose(b, t, permutation(at)) : null],
  vjp: (b, at, [g]) => {
    const inverse: number[] = [];
    permutation(at).forEach((p, i) => (inverse[p] = i));
    return [g ? transpose(b, g, inverse) : null];
  },
};

export const permutation = (at: Site): readonly number[] =>
  intsAttribute(at.node, 'perm') ?? at.shape(0).map((_, i, all) => all.length - 1 - i);

const Concat: Op = {
  linearity: 'linear',
  jvp: (b, at, tangents) => [
    b.add(
      'Concat',
      tangents.map((t, i) => t ?? zeros(b, at.shape(i))),
      at.node.attributes,
    ),
  ],
  vjp: (b, at, [g], needs) => {
    const axis = normalizeAxis(intAttribute(at.node, 'axis', 0), at.outShape().length);
    let start = 0;
    return needs.map((needed, i) => {
      const end = start + at.shape(i)[axis];
      const part = needed && g ? sliceAxis(b, g, axis, start, end) : null;
      start = end;
      return part;
    });
  },
};

const Split: Op = {
  linearity: 'linear',
  constantInputs: [1],
  jvp: (b, at, [t]) =>
    b.addMany('Split', [t!, ...at.node.inputs.slice(1)], at.node.attributes, at.node.outputs.length),
  vjp: (b, at, cotangents) => {
    const parts = at.node.outputs.map((_, i) => cotangents[i] ?? zeros(b, at.outShape(i)));
    return [b.add('Concat', parts, { axis: { int: intAttribute(at.node, 'axis', 0) } }), null];
  },
};
const Tile = linear((b, at, g) => {
  const shape = at.shape(0);
  const repeats = shape.map((d, i) => (d === 0 ? 1 : at.outShape()[i] / d));
  const split = shape.flatMap((d, i) => [repeats[i], d]);
  return reshape(
    b,
    reduceSum(
      b,
      reshape(b, g, at.outShape(), split),
      shape.map((_, i) => 2 * i),
      false,
    ),
    shape,
    shape,
  );
});

const Cast: Op = {
  linearity: 'linear',
  jvp: (_b, at, [t]) => [t && at.isFloatInput(0) && isFloat(at.typeOf(at.output()).elemType) ? t : null],
  vjp: (b, at, [g]) => [g && at.isFloatInput(0) ? cast(b, g, at.typeOf(at.input(0)).elemType) : null],
};

const cumSum = linear((b, at, g) =>
  b.add('CumSum', [g, at.input(1)], {
    exclusive: { int: intAttribute(at.node, 'exclusive', 0) },
    reverse: { int: 1 - intAttribute(at.node, 'reverse', 0) },
  }),
);
export const movement: Record<string, Op> = {
  Identity: reshaping,
  Reshape: reshaping,
  Flatten: reshaping,
  Squeeze: reshaping,
  Unsqueeze: reshaping,
  Transpose,
  Concat,
  Split,
  Tile,
  Expand: linear((b, at, g) => unbroadcast(b, g, at.outShape(), at.shape(0))),
  Trilu: linear((b, at, g) => applied(b, at, g)),
  CumSum: cumSum,
  Cast,
};
