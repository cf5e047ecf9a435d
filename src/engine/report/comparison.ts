import type { Matrix } from '../curvature/matrices';
import type { RitzValue } from '../estimators/result';
import type { Diagnostic, Report } from './schema';

/** One side: a model on its data. */
export interface ComparedSide {
  readonly model: { readonly file: string; readonly sha256: string };
  readonly data: Report['data'];
  readonly samples: number;
  /** The largest eigenvalues, falling; none in partial reports before the search. */
  readonly eigenvalues: readonly RitzValue[];
}

/** How the curvature of some layers differs between two models, or two sets of data. */
export interface HessianComparison {
  readonly format: 'curvature-hessian-comparison';
  /** False for what there is of a run that is under way, or that was stopped. */
  readonly complete: boolean;
  readonly tool: Report['tool'];
  readonly settings: {
    readonly loss: Report['settings']['loss'];
    readonly matrix: Matrix;
    readonly count: number;
    readonly seed: number;
    readonly executionProvider: string;
  };
  readonly parameters: readonly string[];
  readonly size: number;
  readonly a: ComparedSide;
  readonly b: ComparedSide;
  /** The eigenvalue of largest magnitude of H_B − H_A; its magnitude is the spectral norm. */
  readonly difference: RitzValue;
  /** Angles between the spaces of the largest eigenvalues, rising, in radians. */
  readonly angles: readonly number[];
  /** Mean of their squared cosines: 1 for the same space. */
  readonly overlap: number;
  /** Cosines between the gradients, and between the products of each Hessian with its own gradient. */
  readonly gradientCosine: number;
  readonly productCosine: number;
  readonly diagnostics: readonly Diagnostic[];
  /** Seconds per stage. */
  readonly timings: Readonly<Record<string, number>>;
}

/** What compares the two sides. */
type Between = Pick<
  HessianComparison,
  'difference' | 'angles' | 'overlap' | 'gradientCosine' | 'productCosine'
>;

/** The same while it is measured: what compares the sides is absent until both are known. */
export type ComparisonSoFar = Omit<HessianComparison, keyof Between> & Partial<Between>;
