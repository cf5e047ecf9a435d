import { trust } from '../engine';
import type { TrustOptions } from '../engine/analysis/options';
import { trustToText } from '../engine/report/trustText';
import { printResult } from './files';
import { type MatrixFlags, withProgress } from './matrixCommand';

export type TrustFlags = MatrixFlags & Pick<TrustOptions, 'bits' | 'granularity' | 'tolerance'>;

/** `curvature trust`: resolves to the exit code. */
export async function runTrust(model: string, flags: TrustFlags): Promise<number> {
  const { ep, layer, out, json, ...settings } = flags;
  return withProgress(out, async hooks => {
    const report = await trust({ ...settings, model, executionProvider: ep, layers: layer }, hooks);
    return printResult(report, trustToText, { out, json }, report.diagnostics);
  });
}
