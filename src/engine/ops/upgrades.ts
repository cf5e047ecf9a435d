import type { GraphBuilder } from '../graph/builder';
import {
  type Attribute,
  behindIdentity,
  floatAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from '../graph/graph';
import { numElements } from '../onnx/tensor';
import type { Canonical } from './canonicalForm';
import { add, div, expand, mul, reshape, sub } from './emit';
import { Scatter } from './indexing';
import { oldResize } from './resizing';
import { normalizeAxis, type Site } from './rule';

/** The oldest operator set whose forms rules know; older nodes are brought to it, newer ones have the same forms. */
export const CANONICAL_OPSET = 18;

type Attributes = Readonly<Record<string, Attribute>>;

const without = (attributes: Attributes, ...names: string[]): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));

/** Emits the node anew with other inputs or attributes. */
const again = (
  b: GraphBuilder,
  at: Site,
  inputs: readonly string[],
  attributes: Attributes,
): readonly string[] => b.addMany(at.node.opType, inputs, attributes, at.node.outputs.length);

/** Axes moved from an attribute to the second input (Reduce* 18, ReduceSum, Squeeze and Unsqueeze 13). */
const axesAsInput: Canonical = (b, at) => {
  const axes = intsAttribute(at.node, 'axes');
  return axes && again(b, at, [at.input(0), b.ints(axes)], without(at.node.attributes, 'axes'));
};

/** Softmax before opset 13 flattened to two dimensions at `axis`, 1 by default. */
const flattenedSoftmax: Canonical = (b, at, version) => {
  if (version >= 13) return undefined;
  const shape = at.shape(0);
  const axis = normalizeAxis(intAttribute(at.node, 'axis', 1), shape.length);
  const { opType } = at.node;
  const tail = shape.slice(axis);
  if (tail.filter(d => d !== 1).length <= 1) {
    const alone = Math.max(
      tail.findIndex(d => d !== 1),
      0,
    );
    return [b.add(opType, [at.input(0)], { axis: { int: axis + alone } })];
  }
  const flat = [numElements(shape.slice(0, axis)), numElements(tail)];
  return [
    reshape(b, b.add(opType, [reshape(b, at.input(0), shape, flat)], { axis: { int: 1 } }), flat, shape),
  ];
};

const Split: Canonical = (b, at, version) => {
  const sizes = intsAttribute(at.node, 'split');
  const attributes = without(at.node.attributes, 'split');
  if (sizes) return again(b, at, [at.input(0), b.ints(sizes)], attributes);
  if (version >= 18 || at.has(1)) return undefined;
  const axis = normalizeAxis(intAttribute(at.node, 'axis', 0), at.shape(0).length);
  return again(b, at, [at.input(0), b.ints(at.node.outputs.map((_, i) => at.outShape(i)[axis]))], attributes);
};

const Slice: Canonical = (b, at) => {
  const starts = intsAttribute(at.node, 'starts');
  const ends = intsAttribute(at.node, 'ends');
  if (!starts || !ends) return undefined;
  const axes = intsAttribute(at.node, 'axes') ?? starts.map((_, i) => i);
  return [b.add('Slice', [at.input(0), b.ints(starts), b.ints(ends), b.ints(axes)])];
};

/** Bounds that the model computes carry derivatives, unlike those of a Clip. */
const Clip: Canonical = (b, at, version) => {
  const isComputed = (i: number): boolean => at.has(i) && !at.constant(i);
  if (isComputed(1) || isComputed(2)) {
    const raised = at.has(1) ? b.add('Max', [at.input(0), at.input(1)]) : at.input(0);
    return [at.has(2) ? b.add('Min', [raised, at.input(2)]) : raised];
  }
  if (version >= 11) return undefined;
  const bound = (name: string): string =>
    name in at.node.attributes ? b.scalar(floatAttribute(at.node, name, 0)) : '';
  return [b.add('Clip', [at.input(0), bound('min'), bound('max')])];
};

const Pad: Canonical = (b, at, version) => {
  if (version >= 11) return undefined;
  const pads = intsAttribute(at.node, 'pads') ?? [];
  const value = floatAttribute(at.node, 'value', 0);
  const mode: Attributes = { mode: { string: stringAttribute(at.node, 'mode', 'constant') } };
  return [b.add('Pad', [at.input(0), b.ints(pads), ...(value === 0 ? [] : [b.scalar(value)])], mode)];
};

/** At inference dropout passes its input on, and its mask is true everywhere. */
const Dropout: Canonical = (b, at) => {
  const training = at.constant(2);
  if ((at.has(2) && !training) || training?.data[0] === 1) return undefined;
  if (at.node.outputs.length === 1) return [at.input(0)];
  const isKept = b.constant({ elemType: 'bool', shape: [], data: Uint8Array.of(1) });
  return [at.input(0), expand(b, isKept, [], at.shape(0))];
};

/**
 * Outputs and attributes for training, before opset 14, play no part at inference. Statistics per feature instead of per
 * channel (spatial = 0, until opset 8) are those of a flattened input. Statistics that the model computes, as it does of weights that it
 * standardizes, carry derivatives, unlike running ones.
 */
const BatchNormalization: Canonical = (b, at, version) => {
  if (intAttribute(at.node, 'training_mode', 0) === 0 && ![3, 4].every(i => isStored(b, at.input(i))))
    return [standardized(b, at)];
  if (version >= 14) return undefined;
  const attributes: Attributes = { epsilon: { float: floatAttribute(at.node, 'epsilon', 1e-5) } };
  if (intAttribute(at.node, 'spatial', 1) === 1)
    return [b.add('BatchNormalization', at.node.inputs, attributes)];
  const shape = at.shape(0);
  const features = numElements(shape.slice(1));
  const flat = [shape[0], features];
  const x = reshape(b, at.input(0), shape, flat);
  const rest = [1, 2, 3, 4].map(i => reshape(b, at.input(i), at.shape(i), [features]));
  return [reshape(b, b.add('BatchNormalization', [x, ...rest], attributes), flat, shape)];
};

/** Whether a value is an initializer, or a copy of one: a running statistic may be merged with a scale of the same numbers. */
const isStored = (b: GraphBuilder, value: string): boolean =>
  b.constantOf(behindIdentity(value, v => b.makerOf(v))) !== undefined;

function standardized(b: GraphBuilder, at: Site): string {
  const axes = at.shape(0).slice(1);
  const isPerChannel = intAttribute(at.node, 'spatial', 1) === 1;
  const own = isPerChannel ? axes.map((d, i) => (i === 0 ? d : 1)) : axes;
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map(i => reshape(b, at.input(i), at.shape(i), own));
  const epsilon = b.scalar(floatAttribute(at.node, 'epsilon', 1e-5));
  const factor = div(b, scale, b.add('Sqrt', [add(b, variance, epsilon)]));
  return add(b, mul(b, sub(b, at.input(0), mean), factor), bias);
}

/** The number of elements moved from an attribute to the second input (opset 10). */
const TopK: Canonical = (b, at, version) =>
  version >= 10
    ? undefined
    : again(b, at, [at.input(0), b.ints([intAttribute(at.node, 'k', 1)])], without(at.node.attributes, 'k'));

/** Pooling indices run along columns where `storage_order` says so; rules read them along rows. */
const MaxPool: Canonical = (b, at) => {
  if (intAttribute(at.node, 'storage_order', 0) === 0 || (at.node.outputs[1] ?? '') !== '') return undefined;
  return [b.add('MaxPool', at.node.inputs, without(at.node.attributes, 'storage_order'))];
};

export const upgrades: Readonly<Record<string, Canonical>> = {
  ...Object.fromEntries(
    ['Sum', 'Mean', 'Max', 'Min', 'L1', 'L2', 'SumSquare', 'LogSumExp', 'LogSum'].map(name => [
      `Reduce${name}`,
      axesAsInput,
    ]),
  ),
  Squeeze: axesAsInput,
  Unsqueeze: axesAsInput,
  Softmax: flattenedSoftmax,
  LogSoftmax: flattenedSoftmax,
  Split,
  Slice,
  Clip,
  Pad,
  Dropout,
  MaxPool,
  Scatter,
  BatchNormalization,
  TopK,
  Resize: oldResize,
  Upsample: oldResize,
};
