import type { GraphBuilder } from '../graph/builder';
import { type Attribute, floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../graph/graph';
import { numElements } from '../onnx/tensor';
import type { Canonical } from './canonicalForm';
import { expand, reshape } from './emit';
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

const Clip: Canonical = (b, at, version) => {
  if (version >= 11) return undefined;
  const bound = (name: string): string =>
    name in at.node.attributes ? b.scalar(floatAttribute(at.node, name, 0)) : '';
  return [b.add('Clip', [at.input(0), bound('min'), bound('max')])];
};

const Pad: Canonical = (b, at, version) => {
  if (version >= 11) return undefined;
  const pads = intsAttribute(at.node, 'pads') ?? intsAttribute(at.node, 'paddings') ?? [];
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

/** Before opset 7 the second operand was laid along `axis` of the first instead of along its last axes. */
const axisBroadcast: Canonical = (b, at, version) => {
  if (version >= 7) return undefined;
  const [x, y] = [at.shape(0), at.shape(1)];
  const axis = normalizeAxis(intAttribute(at.node, 'axis', x.length - y.length), x.length);
  const laid = x.map((_, i) => y[i - axis] ?? 1);
  return [b.add(at.node.opType, [at.input(0), reshape(b, at.input(1), y, laid)])];
};

/** Outputs and attributes for training, before opset 14, play no part at inference. */
const BatchNormalization: Canonical = (b, at, version) =>
  version >= 14
    ? undefined
    : [
        b.add('BatchNormalization', at.node.inputs, {
          epsilon: { float: floatAttribute(at.node, 'epsilon', 1e-5) },
        }),
      ];

const Reshape: Canonical = (b, at, version) =>
  version >= 5 ? undefined : [reshape(b, at.input(0), at.shape(0), at.outShape())];

const Gemm: Canonical = (b, at, version) =>
  version >= 7 ? undefined : again(b, at, at.node.inputs, without(at.node.attributes, 'broadcast'));
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
  Add: axisBroadcast,
  Sub: axisBroadcast,
  Mul: axisBroadcast,
  Div: axisBroadcast,
  BatchNormalization,
  Reshape,
  Gemm,
  Resize: oldResize,
  Upsample: oldResize,
};
