import { trust } from '../engine';
import type { TrustOptions } from '../engine/analysis/matrixOptions';
import { trustToText } from '../engine/report/trustText';
import type { IntoFlag } from './into';
import { type MatrixFlags, runStudy } from './matrixCommand';

export type TrustFlags = MatrixFlags &
  IntoFlag &
  Pick<TrustOptions, 'bits' | 'granularity' | 'tolerance'> & { readonly for?: number };

/** `curvature trust`: resolves to the exit code. */
export function runTrust(model: string, flags: TrustFlags): Promise<number> {
  const { ep, for: seconds, layer, out, into, json, resume, ...settings } = flags;
  const options = { ...settings, model, seconds, executionProvider: ep, layers: layer };
  return runStudy(
    { out, into, json, resume },
    {
      name: 'trust',
      measure: hooks => trust(options, hooks),
      toText: trustToText,
      notes: report => report.diagnostics,
      into: report => ({ model: report.model, studies: { trust: report } }),
    },
  );
}
