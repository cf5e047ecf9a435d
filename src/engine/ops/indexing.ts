import { intAttribute } from '../graph/graph';
import { int64Tensor, numElements, toNumbers } from '../onnx/tensor';
import type { Canonical } from './canonicalForm';
import { expand, reshape } from './emit';
import { normalizeAxis } from './rule';

/** Ways to pick elements that come down to Gather and its relatives. */

/** Compress by a condition that is known: the slices where it holds. */
export const Compress: Canonical = (b, at) => {
  const condition = at.constant(1);
  if (!condition) return undefined;
  const kept = toNumbers(condition).flatMap((holds, i) => (holds === 0 ? [] : [i]));
  const isFlat = !('axis' in at.node.attributes);
  const shape = at.shape(0);
  const x = isFlat ? reshape(b, at.input(0), shape, [numElements(shape)]) : at.input(0);
  return [b.add('Gather', [x, b.ints(kept)], { axis: { int: intAttribute(at.node, 'axis', 0) } })];
};

/** Each sequence's first elements backwards, by known lengths: rows of [time·batch] in another order. */
export const ReverseSequence: Canonical = (b, at) => {
  const lengths = at.constant(1);
  if (!lengths) return undefined;
  const count = toNumbers(lengths);
  const isTimeFirst = intAttribute(at.node, 'time_axis', 0) === 0;
  const shape = at.shape(0);
  const [times, batch] = isTimeFirst ? shape : [shape[1], shape[0]];
  const row = (t: number, n: number): number => (isTimeFirst ? t * batch + n : n * times + t);
  const order = new Array<number>(times * batch);
  for (let n = 0; n < batch; n++) {
    for (let t = 0; t < times; t++) order[row(t, n)] = row(t < count[n] ? count[n] - 1 - t : t, n);
  }
  const flat = [times * batch, ...shape.slice(2)];
  const rows = reshape(b, at.input(0), shape, flat);
  return [reshape(b, b.add('Gather', [rows, b.ints(order)], { axis: { int: 0 } }), flat, shape)];
};

/** Scatter is the old name of ScatterElements. */
export const Scatter: Canonical = (b, at) => [b.add('ScatterElements', at.node.inputs, at.node.attributes)];

/** Batch axes become leading indices, which the adjoint of GatherND can scatter by. */
export const GatherND: Canonical = (b, at) => {
  const dims = intAttribute(at.node, 'batch_dims', 0);
  if (dims === 0) return undefined;
  const shape = at.shape(1);
  const batch = shape.slice(0, dims);
  const leading = [...batch, ...shape.slice(dims, -1).map(() => 1), dims];
  const positions = Array.from({ length: numElements(batch) }, (_, flat) => coordinates(flat, batch)).flat();
  const own = b.constant(int64Tensor(positions, leading), 'batchIndices');
  const laid = expand(b, own, leading, [...shape.slice(0, -1), dims]);
  const indices = b.add('Concat', [laid, at.input(1)], { axis: { int: shape.length - 1 } });
  return [b.add('GatherND', [at.input(0), indices])];
};

/** The index along each axis of element `flat` of a tensor of this shape. */
function coordinates(flat: number, shape: readonly number[]): number[] {
  const result = [...shape];
  for (let i = shape.length - 1; i >= 0; i--) {
    result[i] = flat % shape[i];
    flat = Math.floor(flat / shape[i]);
  }
  return result;
}

/** Keeps the middle of each axis, or puts zeros around it, where the shape is known. */
export const CenterCropPad: Canonical = (b, at) => {
  const target = at.constant(1);
  if (!target) return undefined;
  const shape = at.shape(0);
  const listed = at.node.attributes['axes'];
  const axes = listed && 'ints' in listed ? listed.ints : shape.map((_, i) => i);
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  const sizes = toNumbers(target);
  axes.forEach((listedAxis, i) => {
    const axis = normalizeAxis(listedAxis, shape.length);
    const extra = sizes[i] - shape[axis];
    // An odd element goes to the end, whether it is put on or taken off.
    before[axis] = extra > 0 ? Math.floor(extra / 2) : -Math.floor(-extra / 2);
    after[axis] = extra - before[axis];
  });
  return [b.add('Pad', [at.input(0), b.ints([...before, ...after])])];
};
