import { differenceForms } from '../curvature/differences';
import type { Layer } from '../curvature/layers';
import type { TraceProgress } from '../estimators/result';
import type { Estimate, Method } from '../report/schema';
import type { Stage } from './options';
import { adaptiveShare } from './progress';
import type { Run } from './run';
import { differenceTrace, gaussNewtonTraces, hessianTraces } from './traces';

/**
 * Measures each layer's trace by the best there is: the Hessian where it is asked for and there are second derivatives, the
 * Gauss–Newton matrix where there are first ones, differences of forward runs where there are none. A layer that a stage
 * fails to measure falls to the next.
 */
export async function measureTraces(run: Run): Promise<void> {
  const { model, options, setUp } = run.state;
  const { problem } = setUp;
  const estimation = { ...options, probesPerRun: run.state.fit.probesPerRun, signal: run.signal };
  const layersBy = (...methods: Method[]): Layer[] =>
    model.layers.filter(({ initializer }) => methods.includes(run.state.methods.get(initializer)!));
  const ggn = async (layers: readonly Layer[]): Promise<void> =>
    measure(run, 'ggn', 'GGN traces', 'draw', layers, () => gaussNewtonTraces(problem, layers, estimation));

  const wantsHessian = options.matrix !== 'ggn';
  if (options.matrix !== 'hessian') {
    await ggn(layersBy('exact'));
    // Apart from the others: what keeps these from second derivatives may fail in the first ones too.
    await ggn(layersBy('ggn'));
  }
  if (wantsHessian) {
    const layers = layersBy('exact');
    await measure(run, 'hessian', 'Hessian traces', 'probe', layers, () =>
      hessianTraces(problem, layers, estimation),
    );
    demote(run, layers, 'hessian', 'ggn');
    const rest = layersBy('ggn').filter(l => !run.state.ggn.has(l.initializer));
    await ggn(rest);
  }
  demote(
    run,
    layersBy('exact', 'ggn').filter(l => !run.state.hessian.has(l.initializer)),
    'ggn',
    'differences',
  );
  await differences(run, layersBy('differences'));
}

/** Gives the layers that a stage has left without a trace to the next method. */
function demote(run: Run, layers: readonly Layer[], matrix: 'ggn' | 'hessian', next: Method): void {
  for (const { initializer } of layers)
    if (!run.state[matrix].has(initializer)) run.state.methods.set(initializer, next);
}

async function measure(
  run: Run,
  stage: 'ggn' | 'hessian',
  title: string,
  unit: string,
  layers: readonly Layer[],
  traces: () => AsyncGenerator<TraceProgress>,
): Promise<void> {
  if (layers.length === 0) return;
  await run.attempt(stage, title, async () => {
    for await (const step of traces()) {
      step.estimates.forEach((e, l) => run.state[stage].set(layers[l].initializer, e));
      tell(run, stage, `${title}: ${unit}`, step, share => share);
    }
  });
}

/** One layer after the other, since runs of the model can't tell the parts of several apart. */
async function differences(run: Run, layers: readonly Layer[]): Promise<void> {
  if (layers.length === 0) return;
  const { state, signal } = run;
  const { problem } = state.setUp;
  const title = 'Traces by differences';
  await run.attempt('differences', title, async () => {
    const forms = await differenceForms(problem, layers, state.options.seed, signal);
    try {
      for (const [l, { name, initializer }] of layers.entries()) {
        try {
          const label = `${title}: layer ${l + 1} of ${layers.length}, draw`;
          for await (const step of differenceTrace(problem, forms, l, name, { ...state.options, signal })) {
            step.estimates.forEach((e: Estimate) => state.ggn.set(initializer, e));
            tell(run, 'differences', label, step, share => (l + share) / layers.length);
          }
          state.stepDoubts.set(initializer, (await forms.stepOf(l)).doubt);
        } catch (error) {
          run.survive(error, `The trace of ${name} by differences`, name);
        }
      }
    } finally {
      await forms.dispose();
    }
  });
}

function tell(
  run: Run,
  stage: Stage,
  label: string,
  { samples, cap, relativeError }: TraceProgress,
  ofStage: (share: number) => number,
): void {
  const share = adaptiveShare(samples, cap, relativeError, run.state.options.rtol);
  run.progress.step(stage, `${label} ${samples} of at most ${cap}`, ofStage(share), relativeError);
  run.partial();
}
