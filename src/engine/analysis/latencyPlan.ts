import { toBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import type { Layer } from '../curvature/layers';
import { defaultExportOptions, type ExportOptions } from '../export/options';
import { type ExportPlan, planExport } from '../export/plan';
import { rewrite } from '../export/rewrite';
import type { Graph } from '../graph/graph';
import { toModel } from '../graph/toModel';
import { encodeTensor, type TensorType } from '../onnx/tensor';
import { type LayerPart, layerParts, partGraph, workOf } from './layerGraph';
import type { Model } from './model';

/** How a layer is stored as it is. */
export const FLOAT = 'float32';

/** How the export stores a layer at a width; widths without a type of their own share the form of the next. */
interface Form {
  /** Such as `DequantizeLinear int4`, or `DequantizeLinear int4, one scale`. */
  readonly name: string;
  readonly bits: number;
  /** The plan of the whole file at that width; none where the layer stays as it is. */
  readonly plan?: ExportPlan;
}

/** One measurement: it holds for all layers that do the same work. */
export interface LatencyTask {
  readonly layers: readonly Layer[];
  /** Of the first of these layers, alone. */
  readonly graph: Graph;
  /** The forms to time, each once, the layer as it is among them. */
  readonly forms: readonly Form[];
  /** The name of the form by bit width. */
  readonly stored: Readonly<Record<string, string>>;
}

export interface LatencyPlan {
  readonly tasks: readonly LatencyTask[];
  /** Layers that are not measured, with the reason. */
  readonly leftOut: readonly { readonly layer: Layer; readonly reason: string }[];
}

/** Values that must be known before layers can be cut out: what they read of other nodes. */
export const valuesRead = (model: Model, graph: Graph): string[] => [
  ...new Set(layerParts(model.layers, graph).flatMap(p => (typeof p === 'string' ? [] : p.inputs))),
];

/**
 * What is to be timed: each layer alone in float32, and in each form that the export of the file gives it at the widths.
 * @param file the model as it was read; the export's choices hang on all of it
 * @param graph of the model with its settings bound
 * @param typeOf types of `valuesRead`
 * @param bits widths, 2 to 16
 */
export function planLatency(
  model: Model,
  file: ModelProto,
  graph: Graph,
  typeOf: (value: string) => TensorType,
  bits: readonly number[],
  stored: Pick<ExportOptions, 'format' | 'granularity'>,
): LatencyPlan {
  const options = { ...defaultExportOptions, ...stored };
  const plans = bits.map(b => {
    const widths = new Map(model.layers.map(layer => [layer, b]));
    return planExport(file, model.graph, widths, model.currentBits, options);
  });
  const leftOut: { layer: Layer; reason: string }[] = [];
  const tasks = new Map<string, LatencyTask & { readonly layers: Layer[] }>();
  layerParts(model.layers, graph).forEach((part, l) => {
    const layer = model.layers[l];
    const reason = typeof part === 'string' ? part : holdsIntegers(layer, model);
    if (reason !== undefined) leftOut.push({ layer, reason });
    else {
      const alone = partGraph(part as LayerPart, graph, typeOf);
      const forms = bits.map((b, i) => formOf(layer, b, plans[i]));
      const key = `${forms.map(f => f.name).join()} ${workOf(alone)}`;
      const known = tasks.get(key);
      if (known) known.layers.push(layer);
      else tasks.set(key, taskOf(layer, alone, forms, bits));
    }
  });
  return { tasks: [...tasks.values()], leftOut };
}

function holdsIntegers({ initializer }: Layer, { currentBits }: Model): string | undefined {
  const own = currentBits.get(initializer) ?? 32;
  return own < 16 ? `its weights are integers of ${own} bits already` : undefined;
}

function taskOf(
  layer: Layer,
  graph: Graph,
  forms: readonly Form[],
  bits: readonly number[],
): LatencyTask & { readonly layers: Layer[] } {
  const all = [{ name: FLOAT, bits: 32 }, ...forms];
  return {
    layers: [layer],
    graph,
    forms: all.filter((form, i) => all.findIndex(f => f.name === form.name) === i),
    stored: Object.fromEntries(bits.map((b, i) => [String(b), forms[i].name])),
  };
}

function formOf(layer: Layer, bits: number, plan: ExportPlan): Form {
  const weight = plan.weights.find(w => w.layer === layer);
  if (!weight) return { name: FLOAT, bits: 32 };
  const { matrix, storedBits, domain, quantizer } = weight;
  const own = !matrix && domain !== '' ? `${domain}::` : '';
  const name = `${own}${matrix ? 'MatMulNBits' : 'DequantizeLinear'} int${storedBits}`;
  const scales = quantizer.granularity.kind === 'tensor' ? ', one scale' : '';
  return { name: `${name}${scales}`, bits, plan };
}

/** The task's graph as a file in one of its forms, its weight quantized as the export would. */
export async function encodeForm({ layers, graph }: LatencyTask, { bits, plan }: Form): Promise<Uint8Array> {
  const alone = toModel(graph, [], encodeTensor);
  const wanted = plan?.weights.find(({ layer }) => layer === layers[0]);
  if (plan && wanted) {
    const format = wanted.matrix ? 'matmulnbits' : 'qdq';
    const own = planExport(alone, graph, new Map([[layers[0], bits]]), new Map(), {
      ...defaultExportOptions,
      format,
      granularity: wanted.quantizer.granularity.kind === 'tensor' ? 'tensor' : 'channel',
    });
    const { storedBits, domain } = wanted;
    const weights = own.weights.map(w => ({ ...w, storedBits, domain }));
    await rewrite(alone, { ...own, weights, operatorSet: plan.operatorSet }, graph, () => Promise.resolve());
  }
  return toBinary(ModelProtoSchema, alone);
}
