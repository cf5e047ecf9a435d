import type { Diagnostic, Estimate, LayerReport } from '../report/schema';
import type { State } from './state';

/** A change with the step by which a trace by differences is no longer to be trusted as it stands. */
const DOUBTFUL = 0.1;

/** What a person should know of the estimates: caps that were reached, traces below zero, steps and layers that matter. */
export function estimateDiagnostics(state: State, layers: readonly LayerReport[]): Diagnostic[] {
  const { methods, ggn, hessian } = state;
  const isByDifferences = (name: string): boolean => methods.get(name) === 'differences';
  const ggnOf = (differences: boolean): Estimate[] =>
    [...ggn].filter(([name]) => isByDifferences(name) === differences).map(([, e]) => e);
  return [
    ...capped(state, 'GGN traces', ggnOf(false)),
    ...capped(state, 'GGN traces by differences', ggnOf(true)),
    ...capped(state, 'Hessian traces', [...hessian.values()]),
    ...layers.filter(l => l.averageTrace !== null && l.averageTrace < 0).map(negative),
    ...layers.flatMap(l => doubtful(l, state.stepDoubts.get(l.initializer) ?? 0)),
    ...leftOut(state),
  ];
}

function capped({ options }: State, name: string, estimates: readonly Estimate[]): Diagnostic[] {
  const open = estimates.filter(e => !e.converged && e.samples >= options.maxProbes);
  if (open.length === 0) return [];
  const worst = Math.max(...open.map(e => (e.estimate === 0 ? Infinity : e.stderr / Math.abs(e.estimate))));
  return [
    {
      severity: 'info',
      code: 'probe-cap',
      message:
        `${name} of ${open.length} of ${estimates.length} layers did not reach a relative error of ${percent(options.rtol)} within ` +
        `${options.maxProbes} probes; the largest is ${percent(worst)}. Raise the cap on probes for a smaller one.`,
    },
  ];
}

const negative = ({ name }: LayerReport): Diagnostic => ({
  severity: 'warning',
  code: 'negative-trace',
  layer: name,
  message: `The trace of ${name} is estimated below zero; its sensitivity counts as 0. The GGN is never negative.`,
});

const doubtful = ({ name }: LayerReport, doubt: number): Diagnostic[] =>
  doubt <= DOUBTFUL
    ? []
    : [
        {
          severity: 'warning',
          code: 'difference-step',
          layer: name,
          message: `The trace of ${name} by differences changes by ${percent(doubt)} with the step it is taken over: only its order of magnitude is known.`,
        },
      ];

/** The eigenvalues are of the Hessian over the parameters that have one. */
function leftOut({ setUp, eigenvalues }: State): Diagnostic[] {
  const { parameters, withoutDerivatives } = setUp;
  if (eigenvalues.length === 0 || withoutDerivatives.length === 0) return [];
  return [
    {
      severity: 'info',
      code: 'partial-eigenvalues',
      message:
        `The eigenvalues are of the Hessian over ${parameters.length} of ${parameters.length + withoutDerivatives.length} parameters; ` +
        'the others have no exact second derivatives.',
    },
  ];
}

export const percent = (x: number): string => `${(100 * x).toPrecision(2)} %`;
