import { obstacles } from '../autodiff/reach';
import type { Problem } from '../curvature/problem';
import type { TraceProgress } from '../estimators/result';
import { ancestors } from '../graph/topology';
import type { MeasuredActivation } from './activations';
import { noteTime } from './chain';
import { adaptiveShare } from './progress';
import type { Run } from './run';
import type { SetUp } from './setUp';
import { activationHessianTrace, activationTraces, type EstimationOptions } from './traces';

/**
 * Measures the traces with respect to activations: of the Gauss–Newton matrix and of the Hessian as they are asked for; of the former
 * where no second derivative reaches.
 */
export async function measureActivationTraces(
  run: Run,
  measured: readonly MeasuredActivation[],
): Promise<void> {
  const { matrix } = run.state.options;
  const order = orderOf(run.state.setUp);
  for (const m of measured) {
    const found = order(m.activation.value);
    if (typeof found === 'string') m.reason = found;
  }
  const reached = measured.filter(m => m.reason === undefined);
  const isSmooth = (m: MeasuredActivation): boolean => order(m.activation.value) === 2;
  // Ranges and errors took the first tenth of the stage, and probes of the Hessian take most of it.
  const border = { ggn: 1, both: 0.25, hessian: 0.1 }[matrix];
  const byGgn = matrix === 'hessian' ? reached.filter(m => !isSmooth(m)) : reached;
  const all = byGgn.map(m => m.activation.value);
  if (all.length > 0)
    await measure(run, 'ggn', 'GGN traces of activations: draw', byGgn, [0.1, border], (problem, options) =>
      activationTraces(problem, all, options),
    );
  if (matrix === 'ggn') return;
  const smooth = reached.filter(isSmooth);
  for (const [i, m] of smooth.entries()) {
    const title = `Hessian trace of activation ${i + 1} of ${smooth.length}: probe`;
    const shares = [i, i + 1].map(k => border + ((1 - border) * k) / smooth.length);
    await measure(run, 'hessian', title, [m], shares as [number, number], (problem, options) =>
      activationHessianTrace(problem, m.activation.value, options),
    );
  }
}

/** @param from and to shares of the stage at its beginning and end */
async function measure(
  run: Run,
  kind: 'ggn' | 'hessian',
  title: string,
  activations: readonly MeasuredActivation[],
  [from, to]: readonly [number, number],
  search: (problem: Problem, options: EstimationOptions) => AsyncGenerator<TraceProgress, void, void>,
): Promise<void> {
  const { setUp, options, fit } = run.state;
  const names = activations.map(m => m.activation.name);
  const what = `${kind === 'ggn' ? 'GGN' : 'Hessian'} trace of ${names.length === 1 ? names[0] : 'activations'}`;
  const estimation: EstimationOptions = {
    ...options,
    ...{ probesPerRun: fit.probesPerRun, journal: run.journal, signal: run.signal },
    timeSpent: run.timeSpent(),
  };
  try {
    let last: TraceProgress | undefined;
    for await (const step of search(setUp.problem, estimation)) {
      last = step;
      step.estimates.forEach((estimate, i) => (activations[i].trace[kind] = estimate));
      const share = adaptiveShare(step.samples, step.cap, step.relativeError, options.rtol);
      const message = `${title} ${step.samples} of at most ${step.cap}`;
      run.progress.step('activations', message, from + share * (to - from), step.relativeError);
      run.partial();
    }
    noteTime(run, what, last);
  } catch (error) {
    run.survive(error, what);
  }
}

/** Why the loss does not depend on a value, or not by way of derivatives; else how many derivatives there are: 1 or 2. */
function orderOf({ problem, shortfalls }: SetUp): (value: string) => string | 1 | 2 {
  const { graph } = problem.prepared;
  const present = ancestors(graph.nodes, [problem.loss.logits]);
  const blocked = obstacles(graph.nodes, problem.loss.logits, shortfalls);
  return value => {
    if (!present.has(value)) return 'The loss does not depend on it.';
    const obstacle = blocked.get(value);
    if (obstacle?.order !== 0) return obstacle ? 1 : 2;
    return `Node "${obstacle.node}" (${obstacle.opType}), on its way to the loss, has no derivative rule.`;
  };
}
