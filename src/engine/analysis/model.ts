import { createHash } from 'node:crypto';
import path from 'node:path';
import { findLayers, type Layer } from '../curvature/layers';
import { findParameters, type Parameter } from '../curvature/parameters';
import { CurvatureError } from '../errors';
import { fromModel } from '../graph/fromModel';
import type { Graph } from '../graph/graph';
import { liftWeights } from '../graph/subgraphs';
import { toFloat32 } from '../graph/toFloat32';
import { readModelFile } from '../onnx/read';

/** An .onnx file as read, with what is found in its graph. */
export interface Model {
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly producer: string;
  /** All floats as float32. */
  readonly graph: Graph;
  readonly parameters: readonly Parameter[];
  readonly layers: readonly Layer[];
}

export function openModel(file: string): Model {
  const { model, bytes } = readModelFile(file);
  const graph = toFloat32(fromModel({ ...model, graph: liftWeights(model.graph!) }, path.dirname(file)));
  return {
    file,
    sha256: sha256(bytes),
    sizeBytes: bytes.length,
    producer: [model.producerName, model.producerVersion].filter(s => s !== '').join(' '),
    graph,
    parameters: findParameters(graph),
    layers: findLayers(graph),
  };
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Operators of models whose weights are no floats any more. */
const quantized = /^(QLinear|QGemm|MatMulInteger|ConvInteger|DynamicQuantize|DequantizeLinear)/;

/** @throws CurvatureError `model-unsupported` for a model without a layer to measure, with the reason. */
export function requireLayers({ graph, layers, file }: Model): void {
  if (layers.length > 0) return;
  const integer = graph.nodes.find(n => quantized.test(n.opType));
  throw integer
    ? new CurvatureError(
        'model-unsupported',
        `${path.basename(file)} is quantized already (node "${integer.name}", ${integer.opType}).`,
        'Analyze the float model that it was made from.',
      )
    : new CurvatureError(
        'model-unsupported',
        `${path.basename(file)} has no layer with float weights: no constant weight of rank 2 or more feeds a Conv, ConvTranspose, Gemm, MatMul or Gather.`,
        'Weights must be stored in the file, as initializers or Constant nodes.',
      );
}
