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

/** Old studies with new ones in their place; a spectrum replaces the one of the same matrix and parameters. What stopped early replaces no whole one. */
export function mergeStudies(
  old: Studies = {},
  { spectra = [], stability, coupling, trust }: Studies,
): Studies {
  const isSame = (a: SpectrumReport, b: SpectrumReport): boolean => spectrumKey(a) === spectrumKey(b);
  const before = old.spectra ?? [];
  const fresh = spectra.filter(now =>
    replaces(
      now,
      before.find(one => isSame(one, now)),
    ),
  );
  const all = [...before.filter(one => !fresh.some(now => isSame(one, now))), ...fresh];
  return {
    ...old,
    ...(replaces(stability, old.stability) ? { stability } : {}),
    ...(replaces(coupling, old.coupling) ? { coupling } : {}),
    ...(replaces(trust, old.trust) ? { trust } : {}),
    ...(all.length > 0 ? { spectra: all } : {}),
  };
}

interface Study {
  readonly complete?: boolean;
}

const replaces = (now: Study | undefined, old: Study | undefined): boolean =>
  now !== undefined && (now.complete !== false || old === undefined || old.complete === false);
