import type { Activation } from '../curvature/activations';
import { forEachValue } from '../curvature/activationValues';
import { numElements } from '../onnx/tensor';
import { calibratedRange, calibrationMethods, type CalibrationMethod } from '../quantization/calibrate';
import { WideningHistogram } from '../quantization/histogram';
import { affineOf, type Range } from '../quantization/levels';
import { errorWith } from '../quantization/quantize';
import type { Estimate } from '../report/schema';
import { measureActivationTraces } from './activationCurvature';
import type { Run } from './run';

/** What is found of an activation. */
export interface MeasuredActivation {
  readonly activation: Activation;
  readonly elements: number;
  readonly ranges: Readonly<Record<CalibrationMethod, Range>>;
  /** ‖Q(a) − a‖² of a sample, averaged over the samples, by width. */
  readonly error: Readonly<Record<string, number>>;
  /** Why there is no trace. */
  reason?: string;
  readonly trace: { ggn?: Estimate; hessian?: Estimate };
}

/** Activations are quantized with a zero point: after Relu, half of symmetric levels would stay unused. */
const SYMMETRIC = false;

/** Measures the activations by two runs over the data, which find ranges and errors, and as many as their traces take. */
export async function measureActivations(run: Run, method: CalibrationMethod): Promise<void> {
  const { state, signal } = run;
  const { problem, activations } = state.setUp;
  const values = activations.map(a => a.value);
  const tell = (message: string, share: number): void => run.progress.step('activations', message, share);
  tell('Activations: ranges', 0);
  const histograms = values.map(() => new WideningHistogram());
  await forEachValue(problem, values, (i, data) => histograms[i].add(data, activations[i].name), signal);
  const ranges = histograms.map(h => rangesOf(h));

  tell('Activations: quantization errors', 0.1);
  const { bits } = state.options;
  const sums = values.map(() => bits.map(() => 0));
  const samples = values.map(() => 0);
  const affine = ranges.map(range => bits.map(b => affineOf(range[method], b, SYMMETRIC)));
  await forEachValue(
    problem,
    values,
    (i, data, count) => {
      samples[i] += count;
      bits.forEach(
        (b, k) => (sums[i][k] += errorWith(data, affine[i][k], { bits: b, symmetric: SYMMETRIC })),
      );
    },
    signal,
  );

  state.activations = activations.map((activation, i): MeasuredActivation => ({
    activation,
    elements: numElements(activation.shape) / problem.batch,
    ranges: ranges[i],
    error: Object.fromEntries(bits.map((b, k) => [String(b), sums[i][k] / samples[i]])),
    trace: {},
  }));
  await measureActivationTraces(run, state.activations);
}

const rangesOf = (histogram: WideningHistogram): Record<CalibrationMethod, Range> =>
  Object.fromEntries(calibrationMethods.map(m => [m, calibratedRange(histogram, m)])) as Record<
    CalibrationMethod,
    Range
  >;
