import type { GraphBuilder } from '../graph/builder';
import { stringAttribute } from '../graph/graph';
import { float32Tensor, int64Tensor, numElements } from '../onnx/tensor';
import { padZeros, perAxis, sliceAxis } from './axes';
import { applied, linear } from './combinators';
import { add, cast, matmul, reshape, transpose, zeros } from './emit';
import { normalizeAxis, type Op, type Site } from './rule';

const isSettled = (at: Site, ...operands: number[]): boolean =>
  operands.every(i => !at.has(i) || at.constant(i) !== undefined);

const sliceBack = (b: GraphBuilder, at: Site, g: string): string => {
  if (!isSettled(at, 1, 3, 4)) return putBack(b, at, g);
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
};

const Slice: Op = {
  ...linear(sliceBack),
  jvp: (b, at, [t]) => [t ? taken(b, at, t) : null],
};

/** The slice of another value, in a form whose shape shows in the graph where bounds are computed at run time. */
function taken(b: GraphBuilder, at: Site, x: string): string {
  if (isSettled(at, 1, 2, 3, 4) || !isSettled(at, 3, 4)) return applied(b, at, x);
  const count = (axis: number): number => at.outShape()[axis];
  if (isSettled(at, 1)) {
    const ranges = sliceRanges(at);
    // An end before the first element is written as one far before it.
    const ends = ranges.map(({ axis, start, step }) => start + count(axis) * step);
    const operands = [
      ...[ranges.map(r => r.start), ends.map(e => (e < 0 ? Number.MIN_SAFE_INTEGER : e))],
      ...[ranges.map(r => r.axis), ranges.map(r => r.step)],
    ];
    return b.add('Slice', [x, ...operands.map(values => b.ints(values))]);
  }
  const starts = cast(b, at.input(1), 'int64');
  const shape = at.shape(0);
  const number = at.shape(1)[0];
  const axes = at.has(3) ? at.numbers(3).map(a => normalizeAxis(a, shape.length)) : shape.map((_, i) => i);
  const steps = at.has(4) ? at.numbers(4) : axes.map(() => 1);
  return axes.slice(0, number).reduce((sliced, axis, i) => {
    const given = sliceAxis(b, starts, 0, i, i + 1);
    const length = b.ints([shape[axis]]);
    const wrapped = b.add('Where', [b.add('Less', [given, b.ints([0])]), add(b, given, length), given]);
    const first = b.add('Min', [b.add('Max', [wrapped, b.ints([0])]), b.ints([shape[axis] - 1])]);
    const places = add(b, first, b.ints(Array.from({ length: count(axis) }, (_, k) => k * steps[i])));
    return b.add('Gather', [sliced, places], { axis: { int: axis } });
  }, x);
}

/** The adjoint of a slice that is known only at run time: the slice of every element's own position says where to put it. */
function putBack(b: GraphBuilder, at: Site, g: string): string {
  const size = numElements(at.shape(0));
  const places = int64Tensor(
    Array.from({ length: size }, (_, i) => i),
    at.shape(0),
  );
  const own = taken(b, at, b.constant(places, 'places'));
  const count = numElements(at.outShape());
  const flat = (x: string): string => reshape(b, x, at.outShape(), [count]);
  const scattered = b.add('ScatterElements', [zeros(b, [size]), flat(own), flat(g)], {
    axis: { int: 0 },
    reduction: { string: 'add' },
  });
  return reshape(b, scattered, [size], at.shape(0));
}

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
  const starts = at.numbers(1);
  const axes = at.has(3) ? at.numbers(3) : starts.map((_, i) => i);
  const steps = at.has(4) ? at.numbers(4) : starts.map(() => 1);
  return starts.map((from, i) => {
    const axis = normalizeAxis(axes[i], shape.length);
    const length = shape[axis];
    const step = steps[i];
    const start = from < 0 ? from + length : from;
    return { axis, step, start: Math.min(Math.max(start, 0), step < 0 ? length - 1 : length) };
  });
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
  const rest = front.slice(1).map(i => shape[i]);
  const places = new Float32Array(length * source.length);
  source.forEach((place, i) => (places[place * source.length + i] = 1));
  const matrix = b.constant(float32Tensor([length, source.length], places), 'places');
  const rows = reshape(b, transpose(b, x, front), [], [source.length, numElements(rest)]);
  return transpose(b, reshape(b, matmul(b, matrix, rows), [], [length, ...rest]), back);
}

function padAmounts(at: Site): { before: number[]; after: number[] } {
  const rank = at.shape(0).length;
  const pads = at.numbers(1);
  const axes = at.has(3)
    ? at.numbers(3).map(a => normalizeAxis(a, rank))
    : pads.slice(0, pads.length / 2).map((_, i) => i);
  const before = Array<number>(rank).fill(0);
  const after = Array<number>(rank).fill(0);
  axes.forEach((axis, i) => {
    before[axis] = pads[i]!;
    after[axis] = pads[axes.length + i]!;
  });
  return { before, after };
}

export const slicing: Record<string, Op> = { Slice, Pad };
