import {
  defaultCouplingOptions,
  defaultSpectrumOptions,
  defaultStabilityOptions,
  defaultTrustOptions,
  type MatrixOptions,
} from '../engine/analysis/matrixOptions';
import type { AnalyzeOptions } from '../engine/analysis/options';
import { layersOf, readFingerprint } from '../engine/analysis/fingerprint';
import type { StudyKind, StudyRequest } from '../engine/analysis/study';
import { matrices } from '../engine/curvature/matrices';
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

export const studyKinds = Object.keys(studyCommands) as StudyKind[];

/** What was chosen for the study whose probes a file holds; undefined where it holds none. */
export function keptChoice(file: string): StudyChoice | undefined {
  const kept = readFingerprint(file);
  if (!kept) return undefined;
  const layers = layersOf(kept);
  return { matrix: matrices.find(one => one === kept['matrix']), ...(layers ? { layers } : {}) };
}

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
