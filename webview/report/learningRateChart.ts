import type { StabilityReport } from '../../src/engine/report/stability';
import type { Training } from '../../src/engine/training/optimizers';
import {
  axisStyle,
  decadeGrid,
  decadeLabel,
  type ScatterConfig,
  type ScatterPlugin,
  tickStyle,
  tooltipStyle,
  translucent,
} from '../shared/chart';
import { typesetNumber, typesetNumbers, withError } from '../shared/format';
import type { Theme } from '../shared/theme';
import type { LearningRateCurves } from './learningRateCurves';

export interface LearningRatePicture {
  readonly study: StabilityReport;
  readonly curves: LearningRateCurves;
  /** What is trained with, or tried out in its place. */
  readonly training: Training;
  readonly theme: Theme;
}

/** The library draws the errors that there are; its types want four of each point. */
type Dataset = ScatterConfig['data']['datasets'][number];
type ErrorPoint = Dataset['data'][number];
/** Options of lines and plain points, which the library's types have for points without errors only. */
const dataset = (
  label: string,
  points: readonly { readonly x: number; readonly y: number }[],
  options: object,
): Dataset => ({ label, data: points as ErrorPoint[], ...options });

const MEASURED = 1;
const NECESSARY = 4;
const BAND_ALPHA = 0.22;

interface Range {
  readonly min: number;
  readonly max: number;
}

function rateRange({ study, curves, training }: LearningRatePicture): Range {
  const rates = [
    ...curves.band.flatMap(({ sufficient, necessary }) => [sufficient, necessary]),
    ...[...curves.formula, ...curves.measured].map(({ rate }) => rate),
    ...[study.training.learningRate, training.learningRate],
  ];
  return { min: Math.min(...rates) / 1.6, max: Math.max(...rates) * 1.6 };
}

/** Writes on the picture what lies where: only colour would tell it otherwise. */
function regionLabels(shown: () => LearningRatePicture): ScatterPlugin {
  return {
    id: 'regionLabels',
    afterDatasetsDraw(chart) {
      const { curves, study, theme } = shown();
      const { ctx, chartArea, scales } = chart;
      const { x, y } = scales;
      const last = curves.band.at(-1);
      if (!x || !y || !last) return;
      ctx.save();
      ctx.font = `12px ${theme.fontFamily}`;
      ctx.fillStyle = theme.foreground;
      ctx.strokeStyle = theme.background;
      ctx.lineWidth = 4;
      const write = (text: string, left: number, top: number): void => {
        ctx.strokeText(text, left, top);
        ctx.fillText(text, left, top);
      };
      ctx.textAlign = 'right';
      const right = chartArea.right - 8;
      write('stable', right, Math.min(y.getPixelForValue(last.sufficient) + 26, chartArea.bottom - 8));
      write('unstable', right, Math.max(y.getPixelForValue(last.necessary) - 14, chartArea.top + 14));
      const critical = x.getPixelForValue(study.criticalBatchSize);
      const name = 'critical batch size';
      const room = ctx.measureText(name).width + 6;
      const isLeft = critical + room > chartArea.right && critical - room > chartArea.left;
      ctx.textAlign = isLeft ? 'right' : 'left';
      ctx.fillStyle = theme.muted;
      write(name, critical + (isLeft ? -6 : 6), chartArea.bottom - 8);
      ctx.restore();
    },
  };
}

export function learningRateConfig(shown: () => LearningRatePicture): ScatterConfig {
  const picture = shown();
  const { study, curves, training, theme } = picture;
  const rates = rateRange(picture);
  // Room for the marks at both ends.
  const sizes = { min: 0.85, max: 1.15 * (curves.band.at(-1)?.batchSize ?? 1) };
  const line = { showLine: true, radius: 0, hitRadius: 0, hoverRadius: 0 };
  const at = ({ batchSize, learningRate }: Training) => ({ x: batchSize, y: learningRate });
  const axis = (title: string, range: Range) => ({
    type: 'logarithmic' as const,
    ...range,
    ...axisStyle(theme, title),
    grid: decadeGrid(theme),
  });
  return {
    type: 'scatterWithErrorBars',
    data: {
      datasets: [
        dataset('Training', [at(training), at(study.training)], {
          radius: [6, 9],
          hoverRadius: [7, 10],
          backgroundColor: [theme.accent, 'transparent'],
          borderColor: [theme.background, theme.foreground],
          borderWidth: [1, 2],
        }),
        dataset(
          'Measured',
          // An error that has no end goes on beyond the picture.
          curves.measured.map(({ batchSize, rate, low, high }) => ({
            ...{ x: batchSize, y: rate },
            ...{ yMin: Math.max(low, rates.min / 10), yMax: Math.min(high, rates.max * 10) },
          })),
          {
            radius: 4,
            hoverRadius: 6,
            backgroundColor: theme.foreground,
            borderColor: theme.background,
            borderWidth: 1,
            errorBarColor: theme.foreground,
            errorBarWhiskerColor: theme.foreground,
            errorBarLineWidth: 1,
            errorBarWhiskerSize: 6,
          },
        ),
        dataset(
          'Formula',
          curves.formula.map(({ batchSize, rate }) => ({ x: batchSize, y: rate })),
          {
            ...{ ...line, borderColor: theme.foreground, borderWidth: 1.25, borderDash: [5, 4] },
            // Outside of the formula's range the line is hardly there.
            segment: {
              borderColor: ({ p0 }: { readonly p0: { readonly parsed: { readonly x: number } } }) =>
                p0.parsed.x < curves.formulaFrom ? theme.grid : undefined,
            },
          },
        ),
        dataset(
          'Sufficient',
          curves.band.map(({ batchSize, sufficient }) => ({ x: batchSize, y: sufficient })),
          {
            ...line,
            borderColor: theme.warning,
            borderWidth: 1.5,
            backgroundColor: translucent(theme.warning, BAND_ALPHA),
            fill: NECESSARY,
          },
        ),
        dataset(
          'Necessary',
          curves.band.map(({ batchSize, necessary }) => ({ x: batchSize, y: necessary })),
          { ...line, borderColor: theme.error, borderWidth: 1.5 },
        ),
        dataset(
          'Critical batch size',
          [rates.min, rates.max].map(y => ({ x: study.criticalBatchSize, y })),
          { ...line, borderColor: theme.muted, borderWidth: 1, borderDash: [2, 3] },
        ),
      ],
    },
    options: {
      interaction: { mode: 'nearest', axis: 'xy', intersect: true },
      scales: {
        x: {
          ...axis('Batch size', sizes),
          // Batch sizes are powers of two, and so are the marks.
          afterBuildTicks: scale => {
            const exponents = Array.from({ length: Math.floor(Math.log2(sizes.max)) + 1 }, (_, i) => i);
            scale.ticks = exponents.map(exponent => ({ value: 2 ** exponent }));
          },
          ticks: { ...tickStyle(theme), maxRotation: 0, callback: value => String(value) },
        },
        y: {
          ...axis('Learning rate', rates),
          ticks: {
            ...tickStyle(theme),
            autoSkip: false,
            includeBounds: true,
            callback: value => decadeLabel(value, rates),
          },
        },
      },
      plugins: {
        tooltip: {
          ...tooltipStyle(theme),
          filter: item => item.datasetIndex <= MEASURED,
          callbacks: { title: () => '', label: item => describe(picture, item) },
        },
      },
    },
    plugins: [regionLabels(shown)],
  };
}

function describe(
  { study, curves, training }: LearningRatePicture,
  { datasetIndex, dataIndex }: { readonly datasetIndex: number; readonly dataIndex: number },
): string[] {
  if (datasetIndex !== MEASURED) {
    const { learningRate, batchSize } = dataIndex === 0 ? training : study.training;
    return [typesetNumbers(`lr ${learningRate} with batches of ${batchSize}`)];
  }
  const point = curves.measured[dataIndex];
  const batch = study.batchSizes.find(({ batchSize }) => batchSize === point?.batchSize);
  if (!point || !batch) return [];
  const { mean, stderr } = batch.largest;
  return [
    `${batch.batches} random batches of ${batch.batchSize}`,
    `λmax ${withError(mean, stderr)}, stable up to lr ${typesetNumber(point.rate)}`,
  ];
}
