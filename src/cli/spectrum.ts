import { spectrum } from '../engine';
import type { SpectrumOptions } from '../engine/analysis/matrixOptions';
import { spectrumToText } from '../engine/report/spectrumText';
import type { IntoFlag } from './into';
import { type MatrixFlags, runStudy } from './matrixCommand';

export type SpectrumFlags = MatrixFlags &
  IntoFlag &
  Omit<SpectrumOptions, 'model' | 'seconds' | 'executionProvider' | 'layers'> & { readonly for?: number };

/** `curvature spectrum`: resolves to the exit code. */
export function runSpectrum(model: string, flags: SpectrumFlags): Promise<number> {
  const { ep, for: seconds, layer, out, into, json, resume, ...settings } = flags;
  const options = { ...settings, model, seconds, executionProvider: ep, layers: layer };
  return runStudy(
    { out, into, json, resume },
    {
      name: 'spectrum',
      measure: hooks => spectrum(options, hooks),
      toText: spectrumToText,
      notes: report => report.diagnostics,
      into: report => ({ model: report.model, studies: { spectra: [report] } }),
    },
  );
}
