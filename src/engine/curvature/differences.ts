import { cancelled } from '../errors';
import { float32Tensor, type Tensor } from '../onnx/tensor';
import { type Feeds, Session } from '../runtime/session';
import { Rng } from '../util/rng';
import { FORM, formGraph, forwardGraph, INVERSE_STEP, LOGITS_MINUS, LOGITS_PLUS } from './differenceGraphs';
import type { Layer } from './layers';
import { batches, type Problem } from './problem';

/** Gauss–Newton quadratic forms of layers that no derivative reaches, from runs of the model alone. */
export interface DifferenceForms {
  /**
   * For each draw, one number per batch of the data: vᵀG_l v of the batch's part of the loss, for signs v on layer l that are
   * drawn anew for every batch. Their sum over the batches has the mean tr(G_l).
   */
  readonly sample: (layer: number, draws: readonly number[]) => Promise<Float64Array[]>;
  readonly stepOf: (layer: number) => Promise<Step>;
  dispose(): Promise<void>;
}

/** ε relative to the root mean square of the layer's weights. */
export interface Step {
  readonly relative: number;
  /** How much a form changes, relative to itself, when the step is made four times larger. */
  readonly doubt: number;
}

/**
 * Steps that are tried, relative to rms(w). With δ the step, the rounding of the forward runs moves a form by ρ ~ 1e-6/δ where
 * the layer moves the output as much as itself, the curvature of f along v by about δ², and kinks by about δ. Rounding has no
 * sign, so that the mean over probes keeps only its square.
 */
const STEPS = [-14, -12, -10, -8, -6, -4].map(power => 2 ** power);
/** Probes that the steps are tried along: one alone may look steady by chance. */
const TRIALS = ['first trial', 'second trial'];
/** Rounding that moves a form by this much when the step grows fourfold moves the mean by its square, 4e-4. */
const STEADY = 0.02;

/** Central differences J v ≈ (f(w + εv) − f(w − εv))/2ε of the logits, put into the loss's output Hessian. */
export async function differenceForms(
  problem: Problem,
  layers: readonly Layer[],
  seed: number,
  signal?: AbortSignal,
): Promise<DifferenceForms> {
  const { prepared, loss } = problem;
  const model = await Session.create(forwardGraph(prepared, loss, layers), problem.session);
  const former = await Session.create(formGraph(prepared, loss), problem.session).catch(async error => {
    await model.dispose();
    throw error;
  });
  const weights = layers.map(l => prepared.graph.initializers.get(l.initializer)!.data as Float32Array);
  const unchanged = Object.fromEntries(
    layers.map(({ initializer, shape }, l) => [initializer, float32Tensor(shape, weights[l])]),
  );
  const scales = weights.map(rms);
  const steps = new Map<number, Promise<Step>>();

  const form = async (feeds: Feeds, l: number, v: Float32Array, epsilon: number): Promise<number> => {
    if (signal?.aborted) throw cancelled();
    const logitsAt = async (factor: number): Promise<Tensor> => {
      const moved = float32Tensor(
        layers[l].shape,
        weights[l].map((w, i) => w + factor * v[i]),
      );
      return (await model.run({ ...feeds, ...unchanged, [layers[l].initializer]: moved }))[loss.logits];
    };
    const [plus, minus] = [await logitsAt(epsilon), await logitsAt(-epsilon)];
    const inverse = float32Tensor([], [1 / (2 * epsilon)]);
    const results = await former.run({
      ...feeds,
      [LOGITS_PLUS]: plus,
      [LOGITS_MINUS]: minus,
      [INVERSE_STEP]: inverse,
    });
    return Number(results[FORM].data[0]);
  };
  const signs = (l: number, draw: number | string, batch: number): Float32Array =>
    Rng.of(seed, 'differences', layers[l].initializer, draw, batch).rademacher(layers[l].size);

  const chooseStep = async (l: number): Promise<Step> => {
    const first = batches(problem).next();
    if (first.done) return { relative: STEPS[0], doubt: 0 };
    const trials: number[][] = [];
    for (const trial of TRIALS) {
      const v = signs(l, trial, 0);
      const forms: number[] = [];
      for (const step of STEPS) forms.push(await form(first.value, l, v, step * scales[l]));
      trials.push(forms);
    }
    return steadyStep(trials);
  };
  const stepOf = (l: number): Promise<Step> => {
    const step = steps.get(l) ?? chooseStep(l);
    steps.set(l, step);
    return step;
  };
  return {
    stepOf,
    sample: async (l, draws) => {
      const epsilon = (await stepOf(l)).relative * scales[l];
      const all: Float64Array[] = [];
      for (const draw of draws) {
        const forms: number[] = [];
        for (const feeds of batches(problem))
          forms.push(await form(feeds, l, signs(l, draw, forms.length), epsilon));
        all.push(Float64Array.from(forms));
      }
      return all;
    },
    dispose: async () => {
      await model.dispose();
      await former.dispose();
    },
  };
}

/**
 * The smallest step that is steady: what is left of rounding is small, and of kinks and curvature there is least. Where none
 * is, the steadiest.
 */
function steadyStep(trials: readonly (readonly number[])[]): Step {
  const doubts = STEPS.slice(0, -1).map((_, k) => Math.max(...trials.map(forms => changeAt(forms, k))));
  const steady = doubts.findIndex(doubt => doubt <= STEADY);
  const best = steady >= 0 ? steady : doubts.indexOf(Math.min(...doubts));
  return { relative: STEPS[best], doubt: doubts[best] };
}

/** The change to the next step, relative to the form; Infinity where a step makes the model overflow. */
function changeAt(forms: readonly number[], k: number): number {
  const change = Math.abs(forms[k + 1] - forms[k]);
  if (change === 0) return 0;
  return Number.isFinite(change) ? change / Math.abs(forms[k]) : Infinity;
}

/** The root mean square; 1 for weights that are all zero, which have no scale of their own. */
function rms(values: Float32Array): number {
  const square = values.reduce((sum, w) => sum + w * w, 0) / values.length;
  return square === 0 ? 1 : Math.sqrt(square);
}
