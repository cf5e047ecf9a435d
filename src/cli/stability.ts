import { stability } from '../engine';
import type { StabilityOptions } from '../engine/analysis/options';
import { stabilityToText } from '../engine/report/stabilityText';
import type { Training } from '../engine/training/optimizers';
import { printResult } from './files';
import { type IntoFlag, thenInto } from './into';
import { type MatrixFlags, withProgress } from './matrixCommand';
import { trainingSettings } from './trainingSettings';

export type StabilityFlags = MatrixFlags &
  IntoFlag &
  Pick<StabilityOptions, 'matrix' | 'batches'> &
  Partial<Omit<Training, 'learningRate'>> & {
    readonly lr?: number;
    readonly save?: boolean;
    readonly resume?: boolean;
  };

/** `curvature stability`: resolves to the exit code. */
export async function runStability(model: string, flags: StabilityFlags): Promise<number> {
  const { ep, layer, out, into, json, lr, batchSize, momentum, optimizer, ...rest } = flags;
  const { save = false, resume = false, ...settings } = rest;
  const training = await trainingSettings(model, { learningRate: lr, batchSize, momentum, optimizer }, save);
  const options = { ...settings, model, executionProvider: ep, layers: layer, training };
  return withProgress({ out, into, resume }, async hooks => {
    const report = await stability(options, hooks);
    // The verdict stands in the text.
    const print = printResult(report, stabilityToText, { out, json }, report.diagnostics.slice(json ? 0 : 1));
    return thenInto(print, into, report.model, { stability: report });
  });
}
