import { coupling } from '../engine';
import type { CouplingOptions } from '../engine/analysis/options';
import { couplingToText } from '../engine/report/couplingText';
import { printResult } from './files';
import { type IntoFlag, thenInto } from './into';
import { type MatrixFlags, withProgress } from './matrixCommand';

export type CouplingFlags = MatrixFlags &
  IntoFlag &
  Pick<CouplingOptions, 'matrix' | 'probes' | 'bits' | 'granularity'> & { readonly resume?: boolean };

/** `curvature coupling`: resolves to the exit code. */
export async function runCoupling(model: string, flags: CouplingFlags): Promise<number> {
  const { ep, layer, out, into, json, resume = false, ...settings } = flags;
  return withProgress({ out, into, resume }, async hooks => {
    const report = await coupling({ ...settings, model, executionProvider: ep, layers: layer }, hooks);
    const print = printResult(report, couplingToText, { out, json }, report.diagnostics);
    return thenInto(print, into, report.model, { coupling: report });
  });
}
