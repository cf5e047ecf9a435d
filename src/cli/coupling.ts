import { coupling } from '../engine';
import type { CouplingOptions, MatrixHooks } from '../engine/analysis/options';
import { couplingToText } from '../engine/report/couplingText';
import { printResult } from './files';
import { type MatrixFlags, withProgress } from './matrixCommand';

export type CouplingFlags = MatrixFlags &
  Pick<CouplingOptions, 'matrix' | 'probes' | 'bits'> & { readonly resume?: boolean };

/** `curvature coupling`: resolves to the exit code. */
export async function runCoupling(model: string, flags: CouplingFlags): Promise<number> {
  const { ep, layer, out, json, resume = false, ...settings } = flags;
  const run = async (hooks: MatrixHooks): Promise<() => Promise<void>> => {
    const report = await coupling({ ...settings, model, executionProvider: ep, layers: layer }, hooks);
    return printResult(report, couplingToText, { out, json }, report.diagnostics);
  };
  return withProgress(out, run, resume);
}
