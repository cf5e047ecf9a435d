import { differenceForms } from '../curvature/differences';
import type { Layer } from '../curvature/layers';
import { NotFinite } from '../estimators/adaptive';
import type { TraceProgress } from '../estimators/result';
import type { Estimate, Method } from '../report/schema';
import type { Stage } from './hooks';
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
  const { journal, signal } = run;
  const { probesPerRun } = run.state.fit;
  const estimation = () => ({ ...options, probesPerRun, journal, timeSpent: run.timeSpent(), signal });
  const layersBy = (...methods: Method[]): Layer[] =>
    model.layers.filter(({ initializer }) => methods.includes(run.state.methods.get(initializer)!));
  const ggn = async (layers: readonly Layer[]): Promise<void> =>
    measure(run, 'ggn', 'GGN traces', 'draw', layers, left => gaussNewtonTraces(problem, left, estimation()));

  const wantsHessian = options.matrix !== 'ggn';
  if (options.matrix !== 'hessian') {
    await ggn(layersBy('exact'));
    // Apart from the others: what keeps these from second derivatives may fail in the first ones too.
    await ggn(layersBy('ggn'));
  }
  if (wantsHessian) {
    const layers = layersBy('exact');
    const rough = await roughTraces(run, layers);
    await measure(run, 'hessian', 'Hessian traces', 'probe', layers, left =>
      hessianTraces(
        problem,
        left,
        estimation(),
        left.map(l => rough.get(l.initializer) ?? 0),
      ),
    );
    demote(run, layers, 'hessian', 'ggn');
    const rest = layersBy('ggn').filter(l => !run.state.ggn.has(l.initializer));
    await ggn(rest);
  }
  // What overflows float32 by derivatives does so by differences.
  const overflowed = new Set(run.state.failures.map(f => f.layer));
  for (const { name, initializer } of layersBy('exact', 'ggn'))
    if (overflowed.has(name) && !run.state.ggn.has(initializer) && !run.state.hessian.has(initializer))
      run.state.methods.delete(initializer);
  demote(
    run,
    layersBy('exact', 'ggn').filter(l => !run.state.hessian.has(l.initializer)),
    'ggn',
    'differences',
  );
  await differences(run, layersBy('differences'));
}

/** Draws per sample that tell traces well enough to balance probes by. */
const ROUGH_DRAWS = 4;

/** Gauss–Newton traces by initializer: those measured, or a few draws. None where they fail; the stage that wants them for themselves tells why. */
async function roughTraces(
  { state, signal }: Run,
  layers: readonly Layer[],
): Promise<ReadonlyMap<string, number>> {
  const found = new Map([...state.ggn].map(([name, { estimate }]) => [name, estimate]));
  if (layers.length === 0 || layers.some(l => found.has(l.initializer))) return found;
  const { seed, rtol } = state.options;
  try {
    const draws = gaussNewtonTraces(state.setUp.problem, layers, {
      ...{ seed, rtol, maxProbes: ROUGH_DRAWS, signal },
    });
    for await (const { estimates } of draws)
      estimates.forEach(({ estimate }, l) => found.set(layers[l].initializer, estimate));
  } catch (error) {
    if (signal?.aborted) throw error;
  }
  return found;
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
  traces: (layers: readonly Layer[]) => AsyncGenerator<TraceProgress>,
): Promise<void> {
  if (layers.length === 0) return;
  const spoiled = new Set<Layer>();
  await run.attempt(stage, title, async () => {
    try {
      let last: TraceProgress | undefined;
      for await (const step of traces(layers)) {
        last = step;
        step.estimates.forEach((e, l) => run.state[stage].set(layers[l].initializer, e));
        tell(run, stage, `${title}: ${unit}`, step, share => share);
      }
      noteTime(run, title, last);
    } catch (error) {
      if (!(error instanceof NotFinite)) throw error;
      for (const value of error.spoiled) {
        spoiled.add(layers.find(layer => layer.name === value.layer)!);
        run.survive(new NotFinite([value]), title, value.layer);
      }
    }
  });
  // The others are measured without the layers that overflow.
  const rest = layers.filter(layer => !spoiled.has(layer));
  if (spoiled.size > 0) await measure(run, stage, title, unit, rest, traces);
}

/** One layer after the other, since runs of the model can't tell the parts of several apart. */
async function differences(run: Run, layers: readonly Layer[]): Promise<void> {
  if (layers.length === 0) return;
  const { state, journal, signal } = run;
  const { problem } = state.setUp;
  const title = 'Traces by differences';
  await run.attempt('differences', title, async () => {
    const forms = await differenceForms(problem, layers, state.options.seed, signal);
    try {
      for (const [l, { name, initializer }] of layers.entries()) {
        try {
          const label = `${title}: layer ${l + 1} of ${layers.length}, draw`;
          let last: TraceProgress | undefined;
          for await (const step of differenceTrace(problem, forms, l, name, {
            ...state.options,
            journal,
            timeSpent: run.timeSpent(),
            signal,
          })) {
            last = step;
            step.estimates.forEach((e: Estimate) => state.ggn.set(initializer, e));
            tell(run, 'differences', label, step, share => (l + share) / layers.length);
          }
          noteTime(run, `The trace of ${name} by differences`, last);
          state.stepDoubts.set(initializer, (await forms.stepOf(l)).doubt);
          leaveOutIdle(run, layers[l]);
        } catch (error) {
          run.survive(error, `The trace of ${name} by differences`, name);
        }
      }
    } finally {
      await forms.dispose();
    }
  });
}

/** A layer that changes nothing, such as one in a branch that the data don't take, has no curvature to choose its bits by. */
function leaveOutIdle({ state }: Run, { name, initializer }: Layer): void {
  const trace = state.ggn.get(initializer);
  if (trace === undefined || trace.estimate !== 0 || trace.stderr !== 0) return;
  state.ggn.delete(initializer);
  state.failures.push({
    severity: 'warning',
    code: 'no-influence',
    layer: name,
    message: `Moving the weights of ${name} changes nothing on these data, so that nothing is known of how many bits it needs.`,
  });
}

/** A search that ends above its tolerance and below its cap has run out of time. */
export function noteTime(run: Run, title: string, last: TraceProgress | undefined): void {
  if (last && last.samples < last.cap && last.estimates.some(e => !e.converged))
    run.timeWasUp(`${title} ended after ${last.samples} probes,`, last.relativeError);
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
