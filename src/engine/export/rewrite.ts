import { create } from '@bufbuild/protobuf';
import {
  type GraphProto,
  type ModelProto,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
} from 'onnx-buf';
import type { Graph } from '../graph/graph';
import { encodeTensor } from '../onnx/tensor';
import { quantize } from '../quantization/quantize';
import { bodiesOf, findDefinitions } from './definitions';
import { operatorSetOf, raiseOperatorSet } from './operatorSets';
import { partsOf } from './parts';
import { type ExportPlan, missingDomains, type WeightPlan } from './plan';
import { valuesOf } from './values';

/** Where initializers need not be listed as inputs any more. */
const FREE_INITIALIZERS = 4n;

/** The version of the file format that first had a type or operator set, latest first. */
const formats: readonly (readonly [version: bigint, isNeeded: (plan: ExportPlan) => boolean])[] = [
  [13n, ({ weights }) => weights.some(w => !w.matrix && w.storedBits === 2)],
  [
    10n,
    ({ weights, operatorSet }) => operatorSet >= 21 || weights.some(w => !w.matrix && w.storedBits === 4),
  ],
  [7n, ({ operatorSet }) => operatorSet >= 13],
  [FREE_INITIALIZERS, () => true],
];

/**
 * Carries a plan out, in place: each weight gives way to its integers, and everything else stays as it was.
 * @param graph the same model, whose initializers are the weights in float32
 * @param onWeight called before each weight
 */
export async function rewrite(
  model: ModelProto,
  plan: ExportPlan,
  graph: Graph,
  onWeight: (weight: WeightPlan, index: number) => Promise<void>,
): Promise<void> {
  const body = model.graph!;
  if (plan.operatorSet > operatorSetOf(model)) raiseOperatorSet(model, plan.operatorSet);
  for (const domain of missingDomains(model, plan))
    model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version: 1n }));
  if (model.irVersion < FREE_INITIALIZERS) withoutConstantInputs(body);
  const version = formats.find(([, isNeeded]) => isNeeded(plan))![0];
  if (model.irVersion < version) model.irVersion = version;

  const { names } = findDefinitions(body);
  const gone = new Set<TensorProto | NodeProto>();
  const goneNames = new Set<string>();
  const before = new Map<GraphProto, NodeProto[]>();
  const instead = new Map<NodeProto, readonly NodeProto[]>();
  const added = new Map<GraphProto, TensorProto[]>();
  for (const [index, weight] of plan.weights.entries()) {
    await onWeight(weight, index);
    const { place, layer, quantizer } = weight;
    const parts = partsOf(weight, names);
    const data = graph.initializers.get(layer.initializer)!.data as Float32Array;
    const quantized = quantize({ name: layer.name, shape: layer.shape, data }, quantizer);
    gone.add(place.node ?? place.tensor);
    goneNames.add(layer.initializer);
    append(
      added,
      place.body,
      valuesOf(weight, parts, quantized).map(({ name, tensor }) => encodeTensor(name, tensor)),
    );
    append(before, place.body, parts.before);
    for (const { reader, nodes } of parts.instead) instead.set(reader, nodes);
  }
  for (const part of bodiesOf(body)) {
    part.initializer = [...part.initializer.filter(t => !gone.has(t)), ...(added.get(part) ?? [])];
    part.node = [
      ...(before.get(part) ?? []),
      ...part.node.filter(n => !gone.has(n)).flatMap(n => instead.get(n) ?? [n]),
    ];
    part.input = part.input.filter(i => !goneNames.has(i.name));
    part.valueInfo = part.valueInfo.filter(v => !goneNames.has(v.name));
  }
}

function append<T>(lists: Map<GraphProto, T[]>, body: GraphProto, items: readonly T[]): void {
  const list = lists.get(body);
  if (list) list.push(...items);
  else lists.set(body, [...items]);
}

/** Formats before 4 list initializers as inputs, where they are constant all the same; later ones let callers feed those. */
function withoutConstantInputs(graph: GraphProto): void {
  const constants = new Set(graph.initializer.map(t => t.name));
  graph.input = graph.input.filter(i => !constants.has(i.name));
}
