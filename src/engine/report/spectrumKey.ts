import type { SpectrumReport } from './spectrum';

/** Matrix and parameters: spectra of the same ones are measurements of the same thing. */
export const spectrumKey = ({ settings }: SpectrumReport): string =>
  JSON.stringify([settings.matrix, settings.parameters]);
