import type { GraphBuilder } from '../graph/builder';
import { intAttribute, intsAttribute, stringAttribute } from '../graph/graph';
import { isFloat, numElements, toNumbers } from '../onnx/tensor';
import { applied, linear, reshaping } from './combinators';
import { cast, reduceSum, reshape, transpose, unbroadcast, zeros } from './emit';
import { normalizeAxis, type Op, type Site } from './rule';

/** Operators that move, repeat, drop or pick elements; all linear in their data. */

/** Slice with unit steps along one axis. */
export const sliceAxis = (b: GraphBuilder, x: string, axis: number, start: number, end: number): string =>
  b.add('Slice', [x, b.ints([start]), b.ints([end]), b.ints([axis])]);

/** Pads with zeros; `before` and `after` per axis. */
export const padZeros = (
  b: GraphBuilder,
  x: string,
  before: readonly number[],
  after: readonly number[],
): string =>
  before.every(d => d === 0) && after.every(d => d === 0)
    ? x
    : b.add('Pad', [x, b.ints([...before, ...after])]);

const perAxis = (rank: number, axis: number, value: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i === axis ? value : 0));

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

const Slice = linear((b, at, g) => {
  let result = g;
  let shape = [...at.outShape()];
  for (const { axis, start, step } of sliceRanges(at)) {
    const length = at.shape(0)[axis];
    const count = shape[axis];
    // A slice backwards is the reversal of a slice forwards, whose first element is this one's last.
    const first = step < 0 ? start + (count - 1) * step : start;
    if (step < 0) result = reverse(b, result, axis);
    const stride = Math.abs(step);
    result = spread(b, result, shape, axis, stride);
    const span = count === 0 ? 0 : (count - 1) * stride + 1;
    result = padZeros(
      b,
      result,
      perAxis(shape.length, axis, first),
      perAxis(shape.length, axis, length - first - span),
    );
    shape = shape.map((d, i) => (i === axis ? length : d));
  }
  return result;
});

const reverse = (b: GraphBuilder, x: string, axis: number): string =>
  b.add('Slice', [x, b.ints([-1]), b.ints([Number.MIN_SAFE_INTEGER]), b.ints([axis]), b.ints([-1])]);

/** Puts stride − 1 zeros between neighbours along an axis. */
function spread(b: GraphBuilder, x: string, shape: readonly number[], axis: number, stride: number): string {
  if (stride === 1 || shape[axis] <= 1) return x;
  const open = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const padded = padZeros(
    b,
    reshape(b, x, shape, open),
    open.map(() => 0),
    perAxis(open.length, axis + 1, stride - 1),
  );
  const wide = shape.map((d, i) => (i === axis ? d * stride : d));
  const flat = reshape(
    b,
    padded,
    open.map((d, i) => (i === axis + 1 ? stride : d)),
    wide,
  );
  return sliceAxis(b, flat, axis, 0, (shape[axis] - 1) * stride + 1);
}

/** Where a Slice node begins along each of its axes, within bounds. */
function sliceRanges(at: Site): { axis: number; start: number; step: number }[] {
  const shape = at.shape(0);
  const starts = toNumbers(at.constant(1)!);
  const axes = at.has(3) ? toNumbers(at.constant(3)!) : starts.map((_, i) => i);
  const steps = at.has(4) ? toNumbers(at.constant(4)!) : starts.map(() => 1);
  return starts.map((from, i) => {
    const axis = normalizeAxis(axes[i], shape.length);
    const length = shape[axis];
    const step = steps[i];
    const start = from < 0 ? from + length : from;
    return { axis, step, start: Math.min(Math.max(start, 0), step < 0 ? length - 1 : length) };
  });
}

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
    const base = zeros(
      b,
      front.map(i => shape[i]),
    );
    const indices = reshape(b, at.input(1), at.shape(1), [picked, 1]);
    const scattered = b.add('ScatterND', [base, cast(b, indices, 'int64'), transpose(b, rows, front)], {
      reduction: { string: 'add' },
    });
    return [transpose(b, scattered, back), null];
  },
};

/** Picks along one axis, an index for every element of the result. */
const GatherElements = linear((b, at, g) =>
  b.add('ScatterElements', [zeros(b, at.shape(0)), at.input(1), g], {
    axis: { int: intAttribute(at.node, 'axis', 0) },
    reduction: { string: 'add' },
  }),
);

const GatherND: Op = {
  ...linear((b, at, g) =>
    b.add('ScatterND', [zeros(b, at.shape(0)), at.input(1), g], { reduction: { string: 'add' } }),
  ),
};

/** Scatters add up where `reduction` says so, else replace; both are linear in data and updates together. */
function scatter(pick: (b: GraphBuilder, at: Site, g: string) => string): Op {
  return {
    linearity: 'linear',
    constantInputs: [1],
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

const Pad: Op = {
  linearity: 'linear',
  constantInputs: [1, 2, 3],
  jvp: (b, at, [t]) => {
    if (!t) return [null];
    const [, pads, , axes] = at.node.inputs;
    // The padding value is no part of the tangent.
    return [b.add('Pad', axes ? [t, pads, '', axes] : [t, pads], at.node.attributes)];
  },
  vjp: (b, at, [g]) => {
    if (!g) return [null];
    const { before, after } = padAmounts(at);
    const mode = stringAttribute(at.node, 'mode', 'constant');
    let result = g;
    let shape = [...at.outShape()];
    at.shape(0).forEach((length, axis) => {
      if (before[axis] === 0 && after[axis] === 0) return;
      if (mode === 'constant') {
        result = unpad(b, result, shape, axis, before[axis], after[axis]);
      } else {
        const source = Array.from({ length: shape[axis] }, (_, i) =>
          paddedFrom(i - before[axis], length, mode),
        );
        result = sumInto(b, result, shape, axis, source, length);
      }
      shape = shape.map((d, i) => (i === axis ? length : d));
    });
    return [result, null, null, null];
  },
};

/** Undoes zero padding along an axis; where pads are negative the data had been cropped, and gets zeros back. */
function unpad(
  b: GraphBuilder,
  g: string,
  shape: readonly number[],
  axis: number,
  before: number,
  after: number,
): string {
  const cut = sliceAxis(b, g, axis, Math.max(before, 0), shape[axis] - Math.max(after, 0));
  return padZeros(
    b,
    cut,
    perAxis(shape.length, axis, Math.max(-before, 0)),
    perAxis(shape.length, axis, Math.max(-after, 0)),
  );
}

/** The element that padding copies to position i (0 is the first unpadded one). */
function paddedFrom(i: number, length: number, mode: string): number {
  if (mode === 'edge') return Math.min(Math.max(i, 0), length - 1);
  if (mode === 'wrap') return ((i % length) + length) % length;
  const period = 2 * (length - 1);
  const folded = ((i % period) + period) % period;
  return folded < length ? folded : period - folded;
}

/** Adds the slices of x along an axis into `length` places, slice i to source[i]. */
function sumInto(
  b: GraphBuilder,
  x: string,
  shape: readonly number[],
  axis: number,
  source: readonly number[],
  length: number,
): string {
  const front = [axis, ...shape.map((_, i) => i).filter(i => i !== axis)];
  const back = shape.map((_, i) => front.indexOf(i));
  const base = zeros(b, [length, ...front.slice(1).map(i => shape[i])]);
  const indices = reshape(b, b.ints(source), [source.length], [source.length, 1]);
  const scattered = b.add('ScatterND', [base, indices, transpose(b, x, front)], {
    reduction: { string: 'add' },
  });
  return transpose(b, scattered, back);
}

function padAmounts(at: Site): { before: number[]; after: number[] } {
  const rank = at.shape(0).length;
  const pads = toNumbers(at.constant(1)!);
  const axes = at.has(3)
    ? toNumbers(at.constant(3)!).map(a => normalizeAxis(a, rank))
    : pads.slice(0, pads.length / 2).map((_, i) => i);
  const before = Array<number>(rank).fill(0);
  const after = Array<number>(rank).fill(0);
  axes.forEach((axis, i) => {
    before[axis] = pads[i]!;
    after[axis] = pads[axes.length + i]!;
  });
  return { before, after };
}

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
  Slice,
  Gather,
  GatherElements,
  GatherND,
  ScatterND: scatter((b, at, g) => b.add('GatherND', [g, at.input(1)])),
  ScatterElements: scatter((b, at, g) =>
    b.add('GatherElements', [g, at.input(1)], { axis: { int: intAttribute(at.node, 'axis', 0) } }),
  ),
  Pad,
  Tile,
  Expand: linear((b, at, g) => unbroadcast(b, g, at.outShape(), at.shape(0))),
  Trilu: linear((b, at, g) => applied(b, at, g)),
  CumSum: cumSum,
  Cast,
};
