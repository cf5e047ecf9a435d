import path from 'node:path';
import { requireFiniteLoss } from '../curvature/finiteLoss';
import type { Layer } from '../curvature/layers';
import { type MovedWeights, movedWeights } from '../curvature/movedWeights';
import { matrixOperator } from '../curvature/products';
import type { LinearOperator } from '../curvature/linearOperator';
import { CurvatureError } from '../errors';
import type { TrustPoint, TrustReport, TrustStep } from '../report/trust';
import { axpy, dot, norm } from '../util/vector';
import { openMatrix } from './openMatrix';
import type { MatrixHooks, TrustOptions } from './options';
import { ProgressTracker } from './progress';
import { quantizedLayers, type QuantizedLayers } from './quantizedLayers';
import { secondsSince } from './run';
import { TOOL } from './state';

const SHARES = [0.25, 0.5, 1];
/** Of the loss; sums of float32 terms are off by about that, and terms that cancel, as those of kl, by float32's own rounding. */
const ROUNDING = 1e-6;
const ROUNDING_OF_TERMS = 2 ** -24;

/**
 * Moves each layer's weights a part of the way, and all of it, to their quantized values, and compares loss and gradient there with the second-order
 * model at the weights of the file: L + gᵀδ + ½ δᵀHδ, and g + Hδ. One layer moves at a time.
 * @throws CurvatureError
 */
export async function trust(options: TrustOptions, hooks: MatrixHooks = {}): Promise<TrustReport> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'steps', cost: 9 },
  ]);
  progress.begin('load', 'Reading the model');
  const started = performance.now();
  const { model, ready, parameters } = await openMatrix(
    { ...options, matrix: 'hessian' },
    size => 6 * 8 * size,
    (p, { layers }) => layers.some(l => l.initializer === p.name),
  );
  if (parameters.length === 0)
    throw new CurvatureError(
      'option-invalid',
      'None of the parameters chosen is the weight of a layer.',
      `Layers are: ${model.layers.map(l => l.name).join(', ')}.`,
    );
  const { problem } = ready;
  const quantized = quantizedLayers(model, options.granularity);
  progress.begin('steps', 'Steps to quantized weights');
  const layers: { name: string; steps: TrustStep[] }[] = [];
  let [loss, rounding] = [0, 0];
  for (const parameter of parameters) {
    const layer = model.layers.find(l => l.initializer === parameter.name)!;
    const weights = model.graph.initializers.get(parameter.name)!.data as Float32Array;
    const moved = await movedWeights(problem, parameter, hooks.signal);
    try {
      const operator = await matrixOperator('hessian', problem, [parameter], hooks.signal);
      try {
        const origin = await moved.at(weights);
        requireFiniteLoss(origin.loss, 'at the weights of the file');
        loss = origin.loss;
        rounding = ROUNDING * Math.abs(loss) + ROUNDING_OF_TERMS;
        const along = {
          quantized,
          layer,
          weights,
          moved,
          operator,
          origin,
          tolerance: options.tolerance,
          rounding,
        };
        const steps: TrustStep[] = [];
        for (const bits of options.bits) {
          steps.push(await stepTo(bits, along));
          progress.step(
            'steps',
            `${layer.name} at ${bits} bits`,
            (layers.length + steps.length / options.bits.length) / parameters.length,
          );
        }
        layers.push({ name: layer.name, steps });
      } finally {
        await operator.dispose();
      }
    } finally {
      await moved.dispose();
    }
  }
  return {
    format: 'curvature-trust',
    tool: TOOL,
    model: { file: path.basename(model.file), sha256: model.sha256 },
    data: ready.data,
    settings: {
      loss: problem.loss.kind,
      tolerance: options.tolerance,
      batch: problem.batch,
      executionProvider: options.executionProvider,
    },
    rounding,
    device: problem.session.device.name,
    samples: problem.dataset.samples,
    loss,
    layers,
    diagnostics: ready.diagnostics,
    timings: { total: secondsSince(started) },
  };
}

interface Along {
  readonly layer: Layer;
  readonly quantized: QuantizedLayers;
  readonly weights: Float32Array;
  readonly moved: MovedWeights;
  /** The layer's block of the Hessian. */
  readonly operator: LinearOperator;
  readonly origin: Awaited<ReturnType<MovedWeights['at']>>;
  readonly tolerance: number;
  readonly rounding: number;
}

async function stepTo(
  bits: number,
  { quantized, layer, weights, moved, operator, origin, tolerance, rounding }: Along,
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
      isTrusted: Math.abs(predicted - measured) <= tolerance * Math.abs(measured) + rounding,
    });
  }
  const firstDoubt = points.findIndex(p => !p.isTrusted);
  const trusted = firstDoubt < 0 ? points : points.slice(0, firstDoubt);
  return {
    ...{ bits, squaredError: dot(delta, delta), firstOrder, secondOrder, points },
    radius: trusted.at(-1)?.share ?? 0,
  };
}
