import type { Studies } from '../report/studies';
import { coupling } from './coupling';
import type {
  CouplingOptions,
  MatrixHooks,
  SpectrumOptions,
  StabilityOptions,
  TrustOptions,
} from './options';
import { spectrum } from './spectrum';
import { stability } from './stability';
import { trust } from './trust';

interface StudyOptions {
  readonly spectrum: SpectrumOptions;
  readonly stability: StabilityOptions;
  readonly coupling: CouplingOptions;
  readonly trust: TrustOptions;
}

export type StudyKind = keyof StudyOptions;

/** What to measure of a model beside its layers' sensitivities, and how. */
export type StudyRequest = {
  readonly [K in StudyKind]: { readonly kind: K; readonly options: StudyOptions[K] };
}[StudyKind];

/** Measures one thing; what comes back is merged into the model's report. Throws what the measurement throws. */
export async function study(request: StudyRequest, hooks: MatrixHooks = {}): Promise<Studies> {
  switch (request.kind) {
    case 'spectrum':
      return { spectra: [await spectrum(request.options, hooks)] };
    case 'stability':
      return { stability: await stability(request.options, hooks) };
    case 'coupling':
      return { coupling: await coupling(request.options, hooks) };
    case 'trust':
      return { trust: await trust(request.options, hooks) };
  }
}
