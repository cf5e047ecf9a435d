import type { Studies } from '../report/studies';
import { coupling } from './coupling';
import type { MatrixHooks } from './hooks';
import type { CouplingOptions, SpectrumOptions, StabilityOptions, TrustOptions } from './matrixOptions';
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

/** Measures one thing; what comes back, and all results so far on the way, are merged into the model's report. Throws what the measurement throws. */
export async function study(request: StudyRequest, hooks: MatrixHooks<Studies> = {}): Promise<Studies> {
  const run = async <O, R>(
    measure: (options: O, hooks: MatrixHooks<R>) => Promise<R>,
    options: O,
    asStudies: (report: R) => Studies,
  ): Promise<Studies> => {
    const onPartial = (report: R): void => hooks.onPartial?.(asStudies(report));
    return asStudies(await measure(options, { ...hooks, onPartial }));
  };
  switch (request.kind) {
    case 'spectrum':
      return run(spectrum, request.options, report => ({ spectra: [report] }));
    case 'stability':
      return run(stability, request.options, report => ({ stability: report }));
    case 'coupling':
      return run(coupling, request.options, report => ({ coupling: report }));
    case 'trust':
      return run(trust, request.options, report => ({ trust: report }));
  }
}
