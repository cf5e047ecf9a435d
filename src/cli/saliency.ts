import { saliency } from '../engine';
import type { SaliencyOptions } from '../engine/analysis/options';
import { saliencyToText } from '../engine/report/saliencyText';
import { printResult } from './files';
import { type MatrixFlags, withProgress } from './matrixCommand';

export type SaliencyFlags = MatrixFlags &
  Pick<SaliencyOptions, 'gradients' | 'damping' | 'sparsity' | 'bits' | 'granularity'>;

/** `curvature saliency`: resolves to the exit code. */
export async function runSaliency(model: string, flags: SaliencyFlags): Promise<number> {
  const { ep, layer, out, json, ...settings } = flags;
  return withProgress({ out }, async hooks => {
    const report = await saliency({ ...settings, model, executionProvider: ep, layers: layer }, hooks);
    return printResult(report, saliencyToText, { out, json }, report.diagnostics);
  });
}
