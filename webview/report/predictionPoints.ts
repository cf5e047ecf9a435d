import type { MetricName } from '../../src/engine/report/metrics';
import type { Report } from '../../src/engine/report/schema';

/** Predictions in the unit of the loss; Ω counts twice what it predicts. */
export const predictions = ['omegaGgn', 'omegaHessian', 'expansion'] as const;
export type Prediction = (typeof predictions)[number];
export const measurements = ['divergence', 'deltaLoss'] as const;
export type Measurement = (typeof measurements)[number];

export const metricWords: Readonly<Record<MetricName, string>> = {
  sensitivity: 'sensitivity',
  omegaGgn: '½ Ω (GGN)',
  omegaHessian: '½ Ω (Hessian)',
  expansion: 'gᵀδ + ½ δᵀHδ',
  fit: 'FIT',
  inputWeighted: 'input-weighted error',
  sqnr: 'SQNR',
  deltaLoss: 'measured change of the loss',
  divergence: 'measured divergence of the outputs',
};

/** One layer alone at one width. */
export interface SinglePrediction {
  readonly layer: string;
  readonly bits: number;
  readonly predicted: number;
  readonly measured: number;
  /** Of what was measured; 0 where it has none. */
  readonly stderr: number;
}

const inLoss: Readonly<Record<Prediction, number>> = { omegaGgn: 0.5, omegaHessian: 0.5, expansion: 1 };

export const hasMetric = (report: Report, metric: MetricName): boolean =>
  report.layers.some(layer => layer.metrics?.[metric]);

export function predictionPoints(
  { layers, settings }: Report,
  prediction: Prediction,
  measurement: Measurement,
): SinglePrediction[] {
  return layers.flatMap(({ name, metrics }) =>
    settings.bits.flatMap(bits => {
      const predicted = metrics?.[prediction]?.[String(bits)];
      const measured = metrics?.[measurement]?.[String(bits)];
      if (!predicted || !measured) return [];
      return [
        {
          layer: name,
          bits,
          predicted: inLoss[prediction] * predicted.value,
          measured: measured.value,
          stderr: measured.stderr ?? 0,
        },
      ];
    }),
  );
}

/** What a logarithmic axis has a place for. */
export const isDrawable = ({ predicted, measured }: SinglePrediction): boolean =>
  predicted > 0 && measured > 0;

export interface Agreement {
  /** Spearman's ρ over all layers and widths, and among layers of equal width; null where it isn't defined. */
  readonly all: number | null;
  readonly acrossLayers: number | null;
  readonly allInterval?: { readonly low: number; readonly high: number };
}

/** How a metric ranks what was measured. The sign of SQNR is turned, so that 1 is agreement for all. */
export function agreementOf(
  { metrics }: Report,
  metric: MetricName,
  measurement: Measurement,
): Agreement | undefined {
  return metrics?.correlations.find(
    ({ first, second }) =>
      (first === metric && second === measurement) || (first === measurement && second === metric),
  );
}

/** The correlation in a word: `½ Ω (GGN) ranks the measured divergence of the outputs well`. */
export function judgement(metric: MetricName, measurement: Measurement, rho: number | null): string {
  const [by, what] = [metricWords[metric], metricWords[measurement]];
  if (rho === null) return `${by} says nothing about the ${what}`;
  if (rho < 0.4) return `${by} does not rank the ${what}`;
  return `${by} ranks the ${what} ${rho >= 0.9 ? 'very well' : rho >= 0.7 ? 'well' : 'only roughly'}`;
}
