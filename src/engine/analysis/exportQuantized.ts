import { rmSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { cancelled, CurvatureError } from '../errors';
import { operatorSetOf } from '../export/operatorSets';
import { type ExportOptions } from '../export/options';
import { type ExportPlan, planExport } from '../export/plan';
import { rewrite } from '../export/rewrite';
import { predictBytes } from '../export/size';
import { FLOAT_BITS, widthsOf } from '../export/widths';
import { writeModel } from '../export/writeModel';
import { externalFiles } from '../onnx/externalData';
import { readModelFile } from '../onnx/read';
import { whyNotLoaded } from '../runtime/loadFile';
import { describeExport, type ExportSummary } from './exportSummary';
import { type Model, openModel, requireLayers } from './model';
import { refuseOverwriting } from './refuseOverwriting';

export interface ExportHooks {
  /** Called before each weight, and before the file is written and loaded. */
  readonly onProgress?: (message: string, fraction: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes a model with its weights quantized: nodes, names, metadata and all other tensors stay as the file has them. The file
 * is loaded in ONNX Runtime before it is handed over.
 * @param bits widths by layer, or by initializer, 2 to 16, or one for all; layers that are not named, or have 32, keep their floats
 * @throws CurvatureError `problem-invalid` for names that no layer has, `option-invalid` for options that exclude each other or an
 * output that is the model, `model-unsupported` where nothing can be quantized, `runtime-failed` where the file doesn't load
 */
export async function exportQuantized(
  file: string,
  bits: Readonly<Record<string, number>> | number,
  options: ExportOptions,
  output: string,
  { onProgress = () => {}, signal }: ExportHooks = {},
): Promise<ExportSummary> {
  const opened = openModel(file);
  requireLayers(opened);
  const { model } = readModelFile(file);
  const external = externalFiles(model, path.dirname(file));
  refuseOverwriting(output, [file, ...external.keys()]);
  const asked = widthsOf(opened.layers, bits);
  const widths = new Map([...asked].filter(([, width]) => width !== FLOAT_BITS));
  const plan = planExport(model, opened.graph, widths, opened.currentBits, options);
  if (plan.weights.length === 0) throw nothingToDo(opened, plan);
  const before = opened.sizeBytes + [...external.values()].reduce((sum, bytes) => sum + bytes, 0);
  const { total: predicted, ofWeight } = predictBytes(model, plan, opened.sizeBytes);
  const operatorSet = { before: operatorSetOf(model), after: plan.operatorSet };

  const steps = plan.weights.length + 2;
  await rewrite(model, plan, opened.graph, async ({ layer }, i) => {
    onProgress(`Quantizing ${layer.name}`, i / steps);
    await setImmediate();
    if (signal?.aborted) throw cancelled();
  });
  onProgress(`Writing ${path.basename(output)}`, (steps - 2) / steps);
  const { bytes: written, files } = writeModel(output, model, path.dirname(file));
  onProgress('Loading the file in ONNX Runtime', (steps - 1) / steps);
  const reason = await whyNotLoaded(output);
  if (reason !== undefined) {
    for (const name of files) rmSync(name);
    throw new CurvatureError('runtime-failed', `ONNX Runtime can't load the quantized model: ${reason}`);
  }
  return {
    ...{ model: file, output, operatorSet, notes: plan.notes },
    layers: describeExport(opened, plan, ofWeight),
    size: { before, predicted, written },
  };
}

function nothingToDo({ file, currentBits }: Model, { kept }: ExportPlan): CurvatureError {
  const name = path.basename(file);
  if (kept.length === 0) {
    return new CurvatureError(
      'problem-invalid',
      'No layer is given a width below 32 bits.',
      'Give widths from 2 to 16 to the layers that are to be quantized.',
    );
  }
  if (kept.every(({ layer }) => currentBits.has(layer.initializer))) {
    return new CurvatureError(
      'model-unsupported',
      `${name} is quantized already: ${kept[0].layer.name} and all other layers that widths were given for hold integers.`,
      'Quantize the float model that it was made from.',
    );
  }
  const reasons = kept.map(({ layer, reason }) => `${layer.name} (${reason})`).join(', ');
  return new CurvatureError('model-unsupported', `No layer of ${name} can be quantized: ${reasons}.`);
}
