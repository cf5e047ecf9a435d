import { stability } from '../engine';
import type { MatrixHooks, StabilityOptions } from '../engine/analysis/options';
import { stabilityToText } from '../engine/report/stabilityText';
import type { Training } from '../engine/training/optimizers';
import { printResult } from './files';
import { type MatrixFlags, withProgress } from './matrixCommand';
import { trainingSettings } from './trainingSettings';

export type StabilityFlags = MatrixFlags &
  Pick<StabilityOptions, 'matrix' | 'batches'> &
  Partial<Omit<Training, 'learningRate'>> & {
    readonly lr?: number;
    readonly save?: boolean;
    readonly resume?: boolean;
  };

/** `curvature stability`: resolves to the exit code. */
export async function runStability(model: string, flags: StabilityFlags): Promise<number> {
  const { ep, layer, out, json, resume = false, lr, batchSize, momentum, optimizer, ...rest } = flags;
  const { save = false, ...settings } = rest;
  const training = await trainingSettings(model, { learningRate: lr, batchSize, momentum, optimizer }, save);
  const options = { ...settings, model, executionProvider: ep, layers: layer, training };
  const run = async (hooks: MatrixHooks): Promise<() => Promise<void>> => {
    const report = await stability(options, hooks);
    // The verdict stands in the text.
    return printResult(report, stabilityToText, { out, json }, report.diagnostics.slice(json ? 0 : 1));
  };
  return withProgress(out, run, resume);
}
