import { z } from 'zod';
import { couplingSchema } from './coupling';
import { spectrumSchema, type SpectrumReport } from './spectrum';
import { spectrumKey } from './spectrumKey';
import { stabilitySchema } from './stability';
import { trustSchema } from './trust';

/** What can be measured of a model beside its layers' sensitivities, each by a command of its own; whole reports of these. */
export const studiesSchema = z.object({
  /** One for each matrix and set of parameters. */
  spectra: z.array(spectrumSchema).readonly().optional(),
  stability: stabilitySchema.optional(),
  coupling: couplingSchema.optional(),
  trust: trustSchema.optional(),
});

export type Studies = z.infer<typeof studiesSchema>;

/** Old studies with new ones in their place; a spectrum replaces the one of the same matrix and parameters. */
export function mergeStudies(old: Studies | undefined, { spectra = [], ...others }: Studies): Studies {
  const isReplaced = (spectrum: SpectrumReport): boolean =>
    spectra.some(one => spectrumKey(one) === spectrumKey(spectrum));
  const all = [...(old?.spectra ?? []).filter(one => !isReplaced(one)), ...spectra];
  return { ...old, ...others, ...(all.length > 0 ? { spectra: all } : {}) };
}
