import type { GraphBuilder } from '../graph/builder';
import { intAttribute, stringAttribute } from '../graph/graph';
import { int64Tensor, numElements } from '../onnx/tensor';
import { padZeros, perAxis } from './axes';
import { applied, linear } from './combinators';
import { add, cast, expand, indicator, matmul, reduceSum, reshape, transpose, zeros } from './emit';
import { normalizeAxis, type Op, type Site } from './rule';

/** Operators that pick elements by index, and their adjoints that put them back. */

const Gather: Op = {
  linearity: 'linear',
  constantInputs: [1],
  jvp: (b, at, [t]) => [t ? applied(b, at, t) : null],
  vjp: (b, at, [g]) => {
    if (!g) return [null];
    const shape = at.shape(0);
    const axis = normalizeAxis(intAttribute(at.node, 'axis', 0), shape.length);
    const picked = numElements(at.shape(1));
    const flat = shape.map((d, i) => (i === axis ? picked : d));
    const rows = reshape(b, g, at.outShape(), flat);
    const constant = at.constant(1);
    if (picked === 1 && constant) {
      const index = normalizeAxis(Number(constant.data[0]), shape[axis]);
      return [
        padZeros(
          b,
          rows,
          perAxis(shape.length, axis, index),
          perAxis(shape.length, axis, shape[axis] - 1 - index),
        ),
        null,
      ];
    }
    const front = [axis, ...shape.map((_, i) => i).filter(i => i !== axis)];
    const back = shape.map((_, i) => front.indexOf(i));
    const indices = reshape(b, cast(b, at.input(1), 'int64'), at.shape(1), [picked, 1]);
    const height = shape[axis];
    const width = numElements(shape) / height;
    const laid = reshape(b, transpose(b, rows, front), [], [picked, width]);
    const sums = reshape(
      b,
      scatterRows(b, indices, laid, picked, [height, width]),
      [height, width],
      front.map(i => shape[i]),
    );
    return [transpose(b, sums, back), null];
  },
};

/** Up to this many rows a product with a one-hot matrix beats a scatter, which runs on one thread. */
const ONE_HOT_ROWS = 512;

/**
 * Adds rows [n, width] up at the places that `indices` [n, 1] name; [height, width]. Not by ScatterND: its CPU kernel
 * adds from several threads at once and loses terms where an index occurs twice.
 */
function scatterRows(
  b: GraphBuilder,
  indices: string,
  rows: string,
  n: number,
  [height, width]: readonly [number, number],
): string {
  const counted = b.constant(int64Tensor([height], []));
  const places = b.add('Where', [b.add('Less', [indices, b.ints([0])]), add(b, indices, counted), indices]);
  if (height <= ONE_HOT_ROWS) {
    const range = b.constant(
      int64Tensor(
        Array.from({ length: height }, (_, i) => i),
        [1, height],
      ),
    );
    const oneHot = indicator(b, b.add('Equal', [places, range]));
    return matmul(b, transpose(b, oneHot, [1, 0]), rows);
  }
  return b.add('ScatterElements', [zeros(b, [height, width]), expand(b, places, [n, 1], [n, width]), rows], {
    axis: { int: 0 },
    reduction: { string: 'add' },
  });
}

/** Picks along one axis, an index for every element of the result. */
const GatherElements = linear((b, at, g) =>
  b.add('ScatterElements', [zeros(b, at.shape(0)), at.input(1), g], {
    axis: { int: intAttribute(at.node, 'axis', 0) },
    reduction: { string: 'add' },
  }),
);

/** Picks slices by tuples of indices: rows of the operand with its first axes laid into one. */
const GatherND: Op = {
  ...linear((b, at, g) => {
    const [shape, indexShape] = [at.shape(0), at.shape(1)];
    const depth = indexShape[indexShape.length - 1];
    const n = numElements(indexShape) / depth;
    const height = numElements(shape.slice(0, depth));
    const width = numElements(shape) / height;
    const sizes = shape.slice(0, depth);
    const strides = sizes.map((_, i) => numElements(sizes.slice(i + 1)));
    const tuples = reshape(b, at.input(1), [], [n, depth]);
    const wrapped = b.add('Where', [
      b.add('Less', [tuples, b.ints([0])]),
      add(b, tuples, b.ints(sizes)),
      tuples,
    ]);
    const linearIndex = reduceSum(b, b.add('Mul', [wrapped, b.ints(strides)]), [1], true);
    const rows = reshape(b, g, [], [n, width]);
    return reshape(b, scatterRows(b, linearIndex, rows, n, [height, width]), [], shape);
  }),
  covers: node => intAttribute(node, 'batch_dims', 0) === 0,
};

/** The largest or smallest elements along an axis; their places are the second output. */
const TopK: Op = {
  linearity: 'piecewise',
  constantInputs: [1],
  jvp: (b, at, [t]) => [
    t && b.add('GatherElements', [t, b.extraOutput(at.node, 1)], { axis: { int: topAxis(at) } }),
    null,
  ],
  vjp: (b, at, [g]) => [
    g &&
      b.add('ScatterElements', [zeros(b, at.shape(0)), b.extraOutput(at.node, 1), g], {
        axis: { int: topAxis(at) },
        reduction: { string: 'add' },
      }),
    null,
  ],
};

const topAxis = (at: Site): number => intAttribute(at.node, 'axis', -1);

/** Scatters add up where `reduction` says so, else replace; both are linear in data and updates together. */
function scatter(pick: (b: GraphBuilder, at: Site, g: string) => string): Op {
  return {
    linearity: 'linear',
    constantInputs: [1],
    covers: node => ['none', 'add'].includes(stringAttribute(node, 'reduction', 'none')),
    jvp: (b, at, [td, , tu]) => [
      b.add(
        at.node.opType,
        [td ?? zeros(b, at.shape(0)), at.input(1), tu ?? zeros(b, at.shape(2))],
        at.node.attributes,
      ),
    ],
    vjp: (b, at, [g], needs) => {
      const adds = stringAttribute(at.node, 'reduction', 'none') === 'add';
      const kept = adds
        ? g!
        : b.add(at.node.opType, [g!, at.input(1), zeros(b, at.shape(2))], at.node.attributes);
      return [needs[0] ? kept : null, null, needs[2] ? pick(b, at, g!) : null];
    },
  };
}

export const gathering: Record<string, Op> = {
  Gather,
  GatherElements,
  GatherND,
  TopK,
  ScatterND: scatter((b, at, g) => b.add('GatherND', [g, at.input(1)])),
  ScatterElements: scatter((b, at, g) =>
    b.add('GatherElements', [g, at.input(1)], { axis: { int: intAttribute(at.node, 'axis', 0) } }),
  ),
};
