import { createHash } from 'node:crypto';
import path from 'node:path';
import { findLayers, type Layer } from '../curvature/layers';
import { findParameters, type Parameter } from '../curvature/parameters';
import { CurvatureError } from '../errors';
import { dequantizeWeights } from '../graph/dequantize';
import { fromModel } from '../graph/fromModel';
import type { Graph } from '../graph/graph';
import { inferenceForm, type TrainingNodes } from '../graph/inferenceForm';
import { liftWeights } from '../graph/subgraphs';
import { toFloat32 } from '../graph/toFloat32';
import { readModelFile } from '../onnx/read';
import { blockedConvolutions, unblockedHint } from './blockedLayout';

/** An .onnx file as read, with what is found in its graph. */
export interface Model {
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly producer: string;
  /** All floats as float32, as at inference. */
  readonly graph: Graph;
  readonly parameters: readonly Parameter[];
  readonly layers: readonly Layer[];
  /** Width in which the file holds a weight, by initializer, where that isn't float32 or more. */
  readonly currentBits: ReadonlyMap<string, number>;
  /** What the file has as in training. */
  readonly training: TrainingNodes;
}

export function openModel(file: string): Model {
  const { model, bytes } = readModelFile(file);
  const stored = fromModel({ ...model, graph: liftWeights(model.graph!) }, path.dirname(file));
  const halves = [...stored.initializers].filter(([, t]) => /^b?float16$/.test(t.elemType));
  const { graph: dequantized, bits } = dequantizeWeights(toFloat32(stored));
  const { graph, training } = inferenceForm(dequantized);
  return {
    file,
    sha256: sha256(bytes),
    sizeBytes: bytes.length,
    producer: [model.producerName, model.producerVersion].filter(s => s !== '').join(' '),
    graph,
    parameters: findParameters(graph),
    layers: findLayers(graph),
    currentBits: new Map([...halves.map(([name]) => [name, 16] as const), ...bits]),
    training,
  };
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Operators that compute in integers, of the standard domain and of ONNX Runtime's own. */
const integer =
  /^(QLinear|QGemm|QAttention|QEmbed|QOrdered|QMoE|ConvInteger|MatMulInteger|MatMulNBits|MatMulBnb4|MatMulFpQ4|DynamicQuantize|GatherBlockQuantized)/;

/** @throws CurvatureError `model-unsupported`, before anything runs, for a model that can't be measured, with the reason. */
export function requireLayers({ graph, layers, file }: Model): void {
  const counts = new Map<string, number>();
  for (const { opType } of graph.nodes)
    if (integer.test(opType)) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  if (counts.size > 0) {
    const found = [...counts].map(([opType, count]) => `${opType} (${count})`).join(', ');
    throw new CurvatureError(
      'model-unsupported',
      `${path.basename(file)} is quantized already and computes in integers: ${found}. Integer arithmetic has no derivative.`,
      'Analyze the float model that it was made from, or a quantized one in QDQ form (quantize_static(…, quant_format=QuantFormat.QDQ)).',
    );
  }
  if (layers.length > 0) return;
  const blocked = blockedConvolutions(graph);
  if (blocked !== undefined) {
    throw new CurvatureError(
      'model-unsupported',
      `${path.basename(file)} has no layer to measure. ${blocked}`,
      unblockedHint,
    );
  }
  throw new CurvatureError(
    'model-unsupported',
    `${path.basename(file)} has no layer with float weights: no constant weight of rank 2 or more feeds a Conv, ConvTranspose, Gemm, MatMul, Einsum or Gather.`,
    'Weights must be stored in the file, as initializers or Constant nodes.',
  );
}
