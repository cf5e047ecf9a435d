import { trust } from '../engine';
import type { TrustOptions } from '../engine/analysis/options';
import { trustToText } from '../engine/report/trustText';
import { printResult } from './files';
import { type IntoFlag, thenInto } from './into';
import { type MatrixFlags, withProgress } from './matrixCommand';

export type TrustFlags = MatrixFlags & IntoFlag & Pick<TrustOptions, 'bits' | 'granularity' | 'tolerance'>;

/** `curvature trust`: resolves to the exit code. */
export async function runTrust(model: string, flags: TrustFlags): Promise<number> {
  const { ep, layer, out, into, json, ...settings } = flags;
  return withProgress({ out, into }, async hooks => {
    const report = await trust({ ...settings, model, executionProvider: ep, layers: layer }, hooks);
    const print = printResult(report, trustToText, { out, json }, report.diagnostics);
    return thenInto(print, into, report.model, { trust: report });
  });
}
