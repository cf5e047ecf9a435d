import { coupling } from '../engine';
import type { CouplingOptions } from '../engine/analysis/matrixOptions';
import { couplingToText } from '../engine/report/couplingText';
import type { IntoFlag } from './into';
import { type MatrixFlags, runStudy } from './matrixCommand';

export type CouplingFlags = MatrixFlags &
  IntoFlag &
  Pick<CouplingOptions, 'matrix' | 'probes' | 'bits' | 'granularity'> & { readonly for?: number };

/** `curvature coupling`: resolves to the exit code. */
export function runCoupling(model: string, flags: CouplingFlags): Promise<number> {
  const { ep, for: seconds, layer, out, into, json, resume, ...settings } = flags;
  const options = { ...settings, model, seconds, executionProvider: ep, layers: layer };
  return runStudy(
    { out, into, json, resume },
    {
      name: 'coupling',
      measure: hooks => coupling(options, hooks),
      toText: couplingToText,
      notes: report => report.diagnostics,
      into: report => ({ model: report.model, studies: { coupling: report } }),
    },
  );
}
