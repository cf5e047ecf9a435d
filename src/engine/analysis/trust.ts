import { requireFiniteLoss } from '../curvature/finiteLoss';
import type { Layer } from '../curvature/layers';
import { type MovedWeights, movedWeights } from '../curvature/movedWeights';
import type { Parameter } from '../curvature/parameters';
import type { Problem } from '../curvature/problem';
import { type DisposableOperator, matrixOperator } from '../curvature/products';
import { CurvatureError } from '../errors';
import { once } from '../estimators/keeper';
import type { TrustPoint, TrustReport, TrustStep } from '../report/trust';
import { isTimeUp, TimeBudget, type TimeSpent } from '../util/timeBudget';
import { axpy, dot, norm } from '../util/vector';
import { matrixFingerprint } from './journal';
import type { Model } from './model';
import { note } from './note';
import { openMatrix, type OpenedMatrix } from './openMatrix';
import type { MatrixHooks } from './hooks';
import type { TrustOptions } from './matrixOptions';
import { inParts } from './partials';
import { ProgressTracker } from './progress';
import { quantizedLayers, type QuantizedLayers, weightOf } from './quantizedLayers';
import { reportHead } from './reportHead';
import { secondsSince } from './run';

const SHARES = [0.25, 0.5, 1];
/** Of the loss; sums of float32 terms are off by about that, and terms that cancel, as those of kl, by float32's own rounding. */
const ROUNDING = 1e-6;
const ROUNDING_OF_TERMS = 2 ** -24;

/** A step with the loss that it begins from, as it is kept for a run that goes on. */
interface KeptStep {
  readonly loss: number;
  readonly step: TrustStep;
}

/** What is found so far. */
interface Found {
  loss: number;
  rounding: number;
  readonly layers: { readonly name: string; readonly steps: TrustStep[] }[];
}

/**
 * Moves each layer's weights a part of the way, and all of it, to their quantized values, and compares loss and gradient there with the second-order
 * model at the weights of the file: L + gᵀδ + ½ δᵀHδ, and g + Hδ. One layer moves at a time.
 *
 * When it is cancelled or fails, what was found goes to `onPartial` before the error is thrown. When its time is up, what comes back is not complete.
 * @throws CurvatureError
 */
export async function trust(
  options: TrustOptions,
  hooks: MatrixHooks<TrustReport> = {},
): Promise<TrustReport> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'steps', cost: 9 },
  ]);
  progress.begin('load', 'Reading the model');
  const started = performance.now();
  const { journal } = hooks;
  const time = options.seconds === undefined ? undefined : new TimeBudget(options.seconds, hooks.now);
  const matrixOptions = {
    ...options,
    matrix: 'hessian',
    batch: options.batch ?? journal?.settled?.batch,
  } as const;
  const opened = await openMatrix(
    matrixOptions,
    size => 6 * 8 * size,
    (p, { layers }) => layers.some(l => l.initializer === p.name),
  );
  if (opened.parameters.length === 0)
    throw new CurvatureError(
      'option-invalid',
      'None of the parameters chosen is the weight of a layer.',
      `Layers are: ${opened.model.layers.map(l => l.name).join(', ')}.`,
    );
  const { tolerance, granularity } = options;
  journal?.begin({ ...matrixFingerprint('trust', opened, matrixOptions), tolerance, granularity });
  progress.begin('steps', 'Steps to quantized weights');
  const found: Found = { loss: 0, rounding: 0, layers: [] };
  const report = (complete: boolean): TrustReport =>
    reportOf(opened, options, found, { complete, total: secondsSince(started) });
  await inParts(
    hooks.onPartial,
    () => (found.layers.length > 0 ? report(false) : undefined),
    foundMore =>
      measure(opened, options, found, hooks, time?.share(1), (message, share) => {
        progress.step('steps', message, share);
        foundMore();
      }),
  );
  return report(through(found, options) === opened.parameters.length);
}

/** How many layers have all steps. */
const through = ({ layers }: Found, { bits }: TrustOptions): number =>
  layers.filter(({ steps }) => steps.length === bits.length).length;

/** @param onStep is told of each step, and the share that is done */
async function measure(
  { model, ready: { problem }, parameters }: OpenedMatrix,
  { bits: widths, granularity, tolerance }: TrustOptions,
  found: Found,
  { journal, signal }: MatrixHooks<TrustReport>,
  timeSpent: TimeSpent | undefined,
  onStep: (message: string, share: number) => void,
): Promise<void> {
  const quantized = quantizedLayers(model, granularity);
  for (const [l, parameter] of parameters.entries()) {
    const layer = model.layers.find(one => one.initializer === parameter.name)!;
    const steps: TrustStep[] = [];
    // What an earlier run has kept needs no sessions.
    let along: Along | undefined;
    try {
      for (const bits of widths) {
        if (found.layers.length > 0 && isTimeUp(timeSpent)) return;
        const kept = await once(journal, `${parameter.name} at ${bits} bits`, async (): Promise<KeptStep> => {
          along ??= await openLayer(problem, parameter, { layer, model, quantized, tolerance }, signal);
          return { loss: along.origin.loss, step: await stepTo(bits, along) };
        });
        if (steps.length === 0) found.layers.push({ name: layer.name, steps });
        steps.push(kept.step);
        found.loss = kept.loss;
        found.rounding = roundingOf(kept.loss);
        onStep(`${layer.name} at ${bits} bits`, (l + steps.length / widths.length) / parameters.length);
      }
    } finally {
      await along?.moved.dispose();
      await along?.operator.dispose();
    }
  }
}

const roundingOf = (loss: number): number => ROUNDING * Math.abs(loss) + ROUNDING_OF_TERMS;

async function openLayer(
  problem: Problem,
  parameter: Parameter,
  { model, ...rest }: Pick<Along, 'layer' | 'quantized' | 'tolerance'> & { readonly model: Model },
  signal: AbortSignal | undefined,
): Promise<Along> {
  const weights = weightOf(model, rest.layer);
  const moved = await movedWeights(problem, parameter, signal);
  try {
    const origin = await moved.at(weights);
    requireFiniteLoss(origin.loss, 'at the weights of the file');
    const operator = await matrixOperator('hessian', problem, [parameter], signal);
    return { ...rest, weights, moved, operator, origin };
  } catch (error) {
    await moved.dispose();
    throw error;
  }
}

function reportOf(
  opened: OpenedMatrix,
  options: TrustOptions,
  found: Found,
  { complete, total }: { readonly complete: boolean; readonly total: number },
): TrustReport {
  const { ready, parameters } = opened;
  const { problem } = ready;
  const { loss, rounding, layers } = found;
  const left = `${through(found, options)} of ${parameters.length} layers are measured at all widths.`;
  return {
    format: 'curvature-trust',
    ...reportHead(opened, complete),
    settings: {
      loss: problem.loss.kind,
      tolerance: options.tolerance,
      batch: problem.batch,
      executionProvider: options.executionProvider,
    },
    rounding,
    loss,
    layers: layers.map(({ name, steps }) => ({ name, steps: [...steps] })),
    diagnostics: [...ready.diagnostics, ...(complete ? [] : [note('layers-left', left)])],
    timings: { total },
  };
}

interface Along {
  readonly layer: Layer;
  readonly quantized: QuantizedLayers;
  readonly weights: Float32Array;
  readonly moved: MovedWeights;
  /** The layer's block of the Hessian. */
  readonly operator: DisposableOperator;
  readonly origin: Awaited<ReturnType<MovedWeights['at']>>;
  readonly tolerance: number;
}

async function stepTo(
  bits: number,
  { quantized, layer, weights, moved, operator, origin, tolerance }: Along,
): Promise<TrustStep> {
  const delta = Float64Array.from(quantized.weightAt(layer, bits));
  axpy(-1, weights, delta);
  const bent = await operator.apply(delta);
  const firstOrder = dot(origin.gradient, delta);
  const secondOrder = dot(delta, bent) / 2;
  const points: TrustPoint[] = [];
  for (const share of SHARES) {
    const there = await moved.at(weights.map((w, i) => w + share * delta[i]));
    const measured = there.loss - origin.loss;
    const predicted = share * firstOrder + share * share * secondOrder;
    const gradient = Float64Array.from(origin.gradient);
    axpy(share, bent, gradient);
    points.push({
      share,
      loss: { measured, predicted },
      gradientNorm: { measured: norm(there.gradient), predicted: norm(gradient) },
      isTrusted: Math.abs(predicted - measured) <= tolerance * Math.abs(measured) + roundingOf(origin.loss),
    });
  }
  const firstDoubt = points.findIndex(p => !p.isTrusted);
  const trusted = firstDoubt < 0 ? points : points.slice(0, firstDoubt);
  return {
    ...{ bits, squaredError: dot(delta, delta), firstOrder, secondOrder, points },
    radius: trusted.at(-1)?.share ?? 0,
  };
}
