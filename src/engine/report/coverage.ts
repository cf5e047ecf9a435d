import type { Diagnostic, Method } from './schema';

/**
 * What an operator's derivative rests on. `zero`: it has none by definition. `differences`: there is no rule, and layers
 * before it are measured by running the model. `none`: ONNX Runtime can't run it.
 */
export type Support = Method | 'zero' | 'none';

/** Nodes of the file with one operator and one kind of support. */
export interface OperatorCoverage {
  readonly opType: string;
  /** Empty for the standard domain. */
  readonly domain: string;
  readonly count: number;
  readonly support: Support;
}

export interface LayerCoverage {
  readonly name: string;
  /** How an analysis will measure it; `none` where it can't, `aside` where it stands in a branch that the inputs don't take. */
  readonly method: Method | 'none' | 'aside';
  readonly parameters: number;
  /** Why not by exact derivatives. */
  readonly reason?: string;
}

/** Number of layers' weights by the method that measures them. */
export type CoveredParameters = Readonly<Record<LayerCoverage['method'] | 'total', number>>;

/** What of a model can be measured, and how; found without data, and without running a derivative. */
export interface Coverage {
  /** The file, as it was named. */
  readonly model: string;
  readonly operators: readonly OperatorCoverage[];
  readonly layers: readonly LayerCoverage[];
  readonly parameters: CoveredParameters;
  /** Whether every layer that these inputs reach will be measured. */
  readonly complete: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** Why nothing could be told; the rest is empty then. */
  readonly error?: string;
}

export function countParameters(layers: readonly LayerCoverage[]): CoveredParameters {
  const count = (method?: LayerCoverage['method']): number =>
    layers.filter(l => method === undefined || l.method === method).reduce((sum, l) => sum + l.parameters, 0);
  return {
    total: count(),
    exact: count('exact'),
    ggn: count('ggn'),
    differences: count('differences'),
    none: count('none'),
    aside: count('aside'),
  };
}

/** The row of a model that could not be prepared. */
export const failedCoverage = (model: string, error: string): Coverage => ({
  model,
  operators: [],
  layers: [],
  parameters: countParameters([]),
  complete: false,
  diagnostics: [],
  error,
});
