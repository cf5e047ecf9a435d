import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Layer } from '../curvature/layers';
import { referenceLogits } from '../curvature/scores';
import { CurvatureError } from '../errors';
import type { Tensor } from '../onnx/tensor';
import { parseReport } from '../report/json';
import { granularityOf } from '../report/granularity';
import type { Report } from '../report/schema';
import { predictPeakBytes } from '../runtime/memory';
import { systemReason } from '../util/systemReason';
import { fitBatch } from './memory';
import { type Model, openModel, requireLayers } from './model';
import type { ProveOptions } from './options';
import { type Predicted, predictionsOf } from './predictions';
import { quantizedLayers, type QuantizedLayers } from './quantizedLayers';
import { type SetUp, setUp } from './setUp';

/** What is measured, settled before anything runs. */
export interface Task {
  readonly model: Model;
  readonly report: Report;
  readonly options: ProveOptions;
  readonly ready: SetUp;
  /** The layers that take part, with what the report says of them. */
  readonly layers: readonly { readonly layer: Layer; readonly predicted: Predicted }[];
  /** As the report's analysis quantized them. */
  readonly quantized: QuantizedLayers;
  readonly reference: readonly Tensor[];
  readonly signal?: AbortSignal;
}

/** @throws CurvatureError `option-invalid` where the data are those of the analysis, or the report is of another model */
export async function prepareTask(options: ProveOptions, signal?: AbortSignal): Promise<Task> {
  const report = parseReport(textOf(options.report, 'report-invalid'));
  const model = openModel(options.model);
  requireLayers(model);
  requireSameModel(model, report, options);
  const settings = {
    ...options,
    labels: options.labels ?? report.data.labels,
    loss: report.settings.loss,
    outputs: outputsOf(model, report),
  };
  const first = await setUp(model, settings);
  requireFreshData(first, report, options);
  const { ready } = await fitBatch(model, settings, first, ({ problem }) =>
    Promise.resolve(predictPeakBytes([problem.prepared])),
  );
  const layers = report.layers.flatMap(found => {
    const layer = model.layers.find(l => l.initializer === found.initializer);
    const takesPart =
      layer && ready.methods.has(layer.initializer) && Object.keys(found.sensitivity).length > 0;
    return takesPart ? [{ layer, predicted: predictionsOf(model, found, layer) }] : [];
  });
  if (layers.length === 0)
    throw new CurvatureError(
      'report-invalid',
      'No layer of the report has a sensitivity: there is nothing to prove.',
    );
  return {
    model,
    report,
    options,
    ready,
    layers,
    quantized: quantizedLayers(model, granularityOf(report)),
    reference: await referenceLogits(ready.problem, signal),
    signal,
  };
}

function requireSameModel(model: Model, report: Report, options: ProveOptions): void {
  if (model.sha256 === report.model.sha256) return;
  throw new CurvatureError(
    'option-invalid',
    `${path.basename(options.report)} is of another model than ${path.basename(options.model)}: the files' checksums differ.`,
    'Analyze this model first, or give the one that was analysed.',
  );
}

/** A suggestion that is measured on the samples that it was made from proves little. */
function requireFreshData({ data }: SetUp, report: Report, { skip = 0 }: ProveOptions): void {
  if (data.sha256 !== report.data.sha256 || skip >= report.samples) return;
  throw new CurvatureError(
    'option-invalid',
    `These are the data of the analysis, which used the first ${report.samples} samples; ${skip === 0 ? 'none of them' : `only ${skip}`} would be skipped.`,
    `Give other data, or split these: analyze --samples N, then prove --skip N.`,
  );
}

function outputsOf({ graph }: Model, { model }: Report): readonly string[] | undefined {
  const names = model.output.split(', ');
  return names.every(name => graph.outputs.includes(name)) ? names : undefined;
}

export function textOf(file: string, code: 'report-invalid' | 'problem-invalid'): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CurvatureError(code, `'${file}' can't be read: ${systemReason(error)}.`);
  }
}
