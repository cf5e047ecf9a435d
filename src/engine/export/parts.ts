import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType as Kind,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf';
import { integerRange } from '../onnx/integerRange';
import {
  type ElemType,
  elemTypeCode,
  elemTypeOf,
  numElements,
  storage,
  type TensorType,
} from '../onnx/tensor';
import { layoutOf } from '../quantization/layout';
import { freshName } from './definitions';
import type { WeightPlan } from './plan';

/** A tensor of the file before its values are known. */
export interface NamedType extends TensorType {
  readonly name: string;
}

/** What a weight becomes: tensors of integers, scales and, where not symmetric, zero points; and nodes that read them. */
export interface Parts {
  readonly integers: NamedType;
  readonly scales: NamedType;
  readonly zeroPoints?: NamedType;
  /** At the start of the body. */
  readonly before: readonly NodeProto[];
  /** In place of a reader. */
  readonly instead: readonly { readonly reader: NodeProto; readonly nodes: readonly NodeProto[] }[];
}

export const typesOf = ({ integers, scales, zeroPoints }: Parts): NamedType[] =>
  zeroPoints ? [integers, scales, zeroPoints] : [integers, scales];

/** Bytes of the tensor's elements in a file. */
export const dataBytes = ({ elemType, shape }: TensorType): number =>
  Math.ceil(
    (numElements(shape) * (integerRange[elemType]?.bits ?? 8 * storage[elemType].BYTES_PER_ELEMENT)) / 8,
  );

/** @param names taken so far; they get the new ones */
export const partsOf = (plan: WeightPlan, names: Set<string>): Parts =>
  plan.matrix ? inMatMulNBits(plan, names) : behindDequantizeLinear(plan, names);

function behindDequantizeLinear(
  { layer, place, quantizer, storedBits, domain }: WeightPlan,
  names: Set<string>,
): Parts {
  const { granularity, symmetric } = quantizer;
  const weight = layer.initializer;
  const { scaleShape } = layoutOf(layer.shape, granularity);
  const elemType = `${symmetric ? '' : 'u'}int${storedBits}` as ElemType;
  const named = (suffix: string, type: ElemType, shape: readonly number[]): NamedType => ({
    name: freshName(`${weight}_${suffix}`, names),
    elemType: type,
    shape,
  });
  const integers = named('quantized', elemType, layer.shape);
  const scales = named('scale', 'float32', scaleShape);
  const zeroPoints = symmetric ? undefined : named('zero_point', elemType, scaleShape);
  const type = elemTypeOf(place.tensor.dataType)!;
  // Scales stay in single precision, whose values a narrower type would move; the weight's own type comes after.
  const isCast = type !== 'float32';
  const dequantized = isCast ? freshName(`${weight}_dequantized`, names) : weight;
  const attributes = [
    ...(granularity.kind === 'tensor' ? [] : [intAttribute('axis', granularity.axis)]),
    ...(granularity.kind === 'block' ? [intAttribute('block_size', granularity.size)] : []),
  ];
  const before = [
    create(NodeProtoSchema, {
      name: freshName(`${weight}_DequantizeLinear`, names),
      opType: 'DequantizeLinear',
      domain,
      input: [integers.name, scales.name, ...(zeroPoints ? [zeroPoints.name] : [])],
      output: [dequantized],
      attribute: attributes,
    }),
  ];
  if (isCast) {
    before.push(
      create(NodeProtoSchema, {
        name: freshName(`${weight}_Cast`, names),
        opType: 'Cast',
        input: [dequantized],
        output: [weight],
        attribute: [intAttribute('to', elemTypeCode(type))],
      }),
    );
  }
  return { integers, scales, zeroPoints, before, instead: [] };
}

/** MatMulNBits takes B as bytes [N, ⌈K/block⌉, block · bits / 8], scales and zero points row by row. */
function inMatMulNBits(
  { layer, place, quantizer, storedBits, matrix, domain }: WeightPlan,
  names: Set<string>,
): Parts {
  const { summedAxis, readers } = matrix!;
  const [k, n] = [layer.shape[summedAxis], layer.shape[1 - summedAxis]];
  const size = quantizer.granularity.kind === 'block' ? quantizer.granularity.size : k;
  const blocks = Math.ceil(k / size);
  const named = (suffix: string, type: ElemType, shape: readonly number[]): NamedType => ({
    name: freshName(`${layer.initializer}_${suffix}`, names),
    elemType: type,
    shape,
  });
  const integers = named(`Q${storedBits}`, 'uint8', [n, blocks, (size * storedBits) / 8]);
  const scales = named('scales', elemTypeOf(place.tensor.dataType)!, [n * blocks]);
  const zeroPoints = quantizer.symmetric
    ? undefined
    : named('zero_points', 'uint8', [n * Math.ceil((blocks * storedBits) / 8)]);
  const attributes = { K: k, N: n, bits: storedBits, block_size: size };
  const instead = readers.map(({ node }) => {
    const [a] = node.input;
    const c = node.opType === 'Gemm' ? (node.input[2] ?? '') : '';
    const product = c === '' ? node.output[0] : freshName(`${node.output[0]}_product`, names);
    const replacement = create(NodeProtoSchema, {
      name: node.name,
      opType: 'MatMulNBits',
      domain,
      input: [a, integers.name, scales.name, ...(zeroPoints ? [zeroPoints.name] : [])],
      output: [product],
      attribute: Object.entries(attributes).map(([name, value]) => intAttribute(name, value)),
      docString: node.docString,
      metadataProps: node.metadataProps,
    });
    const add = create(NodeProtoSchema, {
      name: freshName(`${node.name || node.output[0]}_Add`, names),
      opType: 'Add',
      input: [product, c],
      output: [node.output[0]],
    });
    return { reader: node, nodes: c === '' ? [replacement] : [replacement, add] };
  });
  return { integers, scales, zeroPoints, before: [], instead };
}

const intAttribute = (name: string, value: number): AttributeProto =>
  create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value) });
