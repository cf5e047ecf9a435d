import {
  defaultCouplingOptions,
  defaultSpectrumOptions,
  defaultStabilityOptions,
  defaultTrustOptions,
  type AnalyzeOptions,
  type MatrixOptions,
} from '../engine/analysis/options';
import type { StudyKind, StudyRequest } from '../engine/analysis/study';
import type { Training } from '../engine/training/optimizers';
import type { StudyChoice } from '../protocol/view';

export const studyCommands = {
  spectrum: 'curvature.measureSpectrum',
  stability: 'curvature.measureStability',
  coupling: 'curvature.measureCoupling',
  trust: 'curvature.measureTrust',
} as const satisfies Record<StudyKind, string>;

export const studyTitles: Record<StudyKind, string> = {
  spectrum: 'Spectrum',
  stability: 'Stability of training',
  coupling: 'Coupling of layers',
  trust: 'Trust in the second-order model',
};

/** What a study takes over from the settings of an analysis. */
type Base = Pick<
  AnalyzeOptions,
  'model' | 'data' | 'loss' | 'batch' | 'memory' | 'rtol' | 'bits' | 'seed' | 'executionProvider'
>;

/** A study as it is asked of the engine: with the analysis's settings, and the defaults of the command of its name for the rest. */
export function studyRequest(
  kind: StudyKind,
  { rtol, bits, ...common }: Base,
  { layers, matrix }: StudyChoice,
  training: Training | undefined,
): StudyRequest {
  const shared: Omit<MatrixOptions, 'matrix'> = { ...common, ...(layers ? { layers } : {}) };
  const chosen = matrix ? { matrix } : {};
  switch (kind) {
    case 'spectrum':
      return { kind, options: { ...defaultSpectrumOptions, ...shared, rtol, ...chosen } };
    case 'stability':
      if (!training) throw new Error('The stability of training needs its settings.');
      return { kind, options: { ...defaultStabilityOptions, ...shared, training, ...chosen } };
    case 'coupling':
      return { kind, options: { ...defaultCouplingOptions, ...shared, ...chosen } };
    case 'trust':
      return { kind, options: { ...defaultTrustOptions, ...shared, bits } };
  }
}
