import { obstacles } from '../autodiff/reach';
import type { Activation } from '../curvature/activations';
import { forEachValue } from '../curvature/activationValues';
import type { TraceProgress } from '../estimators/result';
import { ancestors } from '../graph/topology';
import { numElements } from '../onnx/tensor';
import { calibratedRange, calibrationMethods, type CalibrationMethod } from '../quantization/calibrate';
import { WideningHistogram } from '../quantization/histogram';
import { affineOf, type Range } from '../quantization/levels';
import { errorWith } from '../quantization/quantize';
import type { Estimate } from '../report/schema';
import { noteTime } from './chain';
import { adaptiveShare } from './progress';
import type { Run } from './run';
import type { SetUp } from './setUp';
import { activationTraces } from './traces';

/** What is found of an activation. */
export interface MeasuredActivation {
  readonly activation: Activation;
  readonly elements: number;
  readonly ranges: Readonly<Record<CalibrationMethod, Range>>;
  /** ‖Q(a) − a‖² of a sample, averaged over the samples, by width. */
  readonly error: Readonly<Record<string, number>>;
  readonly reason?: string;
  trace?: Estimate;
}

/** Activations are quantized with a zero point: after Relu, half of symmetric levels would stay unused. */
const SYMMETRIC = false;

/** Measures the activations by two runs over the data, which find ranges and errors, and as many as their traces take. */
export async function measureActivations(run: Run, method: CalibrationMethod): Promise<void> {
  const { state, journal, signal } = run;
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

  const reasons = whyWithoutTrace(state.setUp, values);
  const measured = activations.map((activation, i): MeasuredActivation => {
    const reason = reasons.get(activation.value);
    return {
      activation,
      elements: numElements(activation.shape) / problem.batch,
      ranges: ranges[i],
      error: Object.fromEntries(bits.map((b, k) => [String(b), sums[i][k] / samples[i]])),
      ...(reason === undefined ? {} : { reason }),
    };
  });
  state.activations = measured;
  const reached = measured.filter(m => m.reason === undefined);
  if (reached.length === 0) return;
  const search = activationTraces(
    problem,
    reached.map(m => m.activation.value),
    { ...state.options, journal, timeSpent: run.timeSpent(), signal },
  );
  let last: TraceProgress | undefined;
  for await (const step of search) {
    last = step;
    step.estimates.forEach((estimate, i) => (reached[i].trace = estimate));
    const share = adaptiveShare(step.samples, step.cap, step.relativeError, state.options.rtol);
    tell(`Activations: traces, draw ${step.samples} of at most ${step.cap}`, 0.2 + 0.8 * share);
    run.partial();
  }
  noteTime(run, 'Traces of activations', last);
}

const rangesOf = (histogram: WideningHistogram): Record<CalibrationMethod, Range> =>
  Object.fromEntries(calibrationMethods.map(m => [m, calibratedRange(histogram, m)])) as Record<
    CalibrationMethod,
    Range
  >;

/** Values that the loss doesn't depend on, or not by way of derivatives. */
function whyWithoutTrace({ problem, shortfalls }: SetUp, values: readonly string[]): Map<string, string> {
  const { graph } = problem.prepared;
  const present = ancestors(graph.nodes, [problem.loss.logits]);
  const blocked = obstacles(graph.nodes, problem.loss.logits, shortfalls);
  return new Map(
    values.flatMap((value): [string, string][] => {
      if (!present.has(value)) return [[value, 'The loss does not depend on it.']];
      const obstacle = blocked.get(value);
      if (obstacle?.order !== 0) return [];
      return [
        [
          value,
          `Node "${obstacle.node}" (${obstacle.opType}), on its way to the loss, has no derivative rule.`,
        ],
      ];
    }),
  );
}
