import { stability } from '../engine';
import type { StabilityOptions } from '../engine/analysis/matrixOptions';
import { stabilityToText } from '../engine/report/stabilityText';
import type { Training } from '../engine/training/optimizers';
import type { IntoFlag } from './into';
import { type MatrixFlags, runStudy } from './matrixCommand';
import { trainingSettings } from './trainingSettings';

export type StabilityFlags = MatrixFlags &
  IntoFlag &
  Pick<StabilityOptions, 'matrix' | 'batches'> &
  Partial<Omit<Training, 'learningRate'>> & {
    readonly lr?: number;
    readonly save?: boolean;
  };

/** `curvature stability`: resolves to the exit code. */
export async function runStability(model: string, flags: StabilityFlags): Promise<number> {
  const { ep, layer, out, into, json, resume, lr, batchSize, momentum, optimizer, ...rest } = flags;
  const { save = false, ...settings } = rest;
  const training = await trainingSettings(model, { learningRate: lr, batchSize, momentum, optimizer }, save);
  const options = { ...settings, model, executionProvider: ep, layers: layer, training };
  return runStudy(
    { out, into, json, resume },
    {
      name: 'stability',
      measure: hooks => stability(options, hooks),
      toText: stabilityToText,
      // The verdict stands in the text.
      notes: report => report.diagnostics.slice(json ? 0 : 1),
      into: report => ({ model: report.model, studies: { stability: report } }),
    },
  );
}
