import { saliency } from '../engine';
import type { SaliencyOptions } from '../engine/analysis/matrixOptions';
import { saliencyToText } from '../engine/report/saliencyText';
import { type MatrixFlags, runStudy } from './matrixCommand';

export type SaliencyFlags = MatrixFlags &
  Pick<SaliencyOptions, 'gradients' | 'damping' | 'sparsity' | 'bits' | 'granularity'> & {
    readonly for?: number;
  };

/** `curvature saliency`: resolves to the exit code. */
export function runSaliency(model: string, flags: SaliencyFlags): Promise<number> {
  const { ep, for: seconds, layer, out, json, resume, ...settings } = flags;
  const options = { ...settings, model, seconds, executionProvider: ep, layers: layer };
  return runStudy(
    { out, json, resume },
    {
      name: 'saliency',
      measure: hooks => saliency(options, hooks),
      toText: saliencyToText,
      notes: report => report.diagnostics,
    },
  );
}
