import {
  axisStyle,
  decadeGrid,
  decadeLabel,
  type ScatterConfig,
  tickStyle,
  tooltipStyle,
} from '../shared/chart';
import { typesetNumber, withError } from '../shared/format';
import type { Theme } from '../shared/theme';
import type { SinglePrediction } from './predictionPoints';

/** The library draws the errors that there are; its types want four of each point. */
type ErrorPoint = ScatterConfig['data']['datasets'][number]['data'][number];

interface Range {
  readonly min: number;
  readonly max: number;
}

/** Both axes span the same decades, so that equal values lie on the diagonal. */
function rangeOf(points: readonly SinglePrediction[]): Range {
  const values = points.flatMap(({ predicted, measured }) => [predicted, measured]);
  return { min: Math.min(...values) / 2, max: Math.max(...values) * 2 };
}

export const measuredText = ({ measured, stderr }: SinglePrediction): string => withError(measured, stderr);

/** Options of the points themselves, which the library's types have for points without errors only. */
const marks = (points: readonly SinglePrediction[], theme: Theme): object => ({
  radius: 5,
  hoverRadius: 7,
  backgroundColor: points.map(({ bits }) => theme.bits(bits)),
  borderColor: theme.background,
  borderWidth: 1,
});

/** @param points those that a logarithmic axis has a place for */
export function predictionConfig(
  points: readonly SinglePrediction[],
  titles: { readonly predicted: string; readonly measured: string },
  theme: Theme,
): ScatterConfig {
  const range = rangeOf(points);
  const axis = (title: string) => ({
    type: 'logarithmic' as const,
    ...range,
    ...axisStyle(theme, title),
    grid: decadeGrid(theme),
    ticks: {
      ...tickStyle(theme),
      autoSkip: false,
      maxRotation: 0,
      includeBounds: true,
      callback: (value: number | string) => decadeLabel(value, range),
    },
  });
  return {
    type: 'scatterWithErrorBars',
    data: {
      datasets: [
        {
          label: 'Layers',
          data: points.map(({ predicted, measured, stderr }) => ({
            x: predicted,
            y: measured,
            // An error that reaches zero goes on beyond the picture.
            yMin: Math.max(measured - stderr, range.min / 10),
            yMax: measured + stderr,
          })) as ErrorPoint[],
          ...marks(points, theme),
          errorBarColor: theme.muted,
          errorBarWhiskerColor: theme.muted,
          errorBarLineWidth: 1,
          errorBarWhiskerSize: 5,
        },
        {
          label: 'Equal',
          data: [range.min, range.max].map(value => ({ x: value, y: value })) as ErrorPoint[],
          showLine: true,
          borderColor: theme.muted,
          borderWidth: 1,
          borderDash: [4, 4],
          pointRadius: 0,
          pointHitRadius: 0,
          pointHoverRadius: 0,
        },
      ],
    },
    options: {
      interaction: { mode: 'nearest', axis: 'xy', intersect: true },
      scales: { x: axis(titles.predicted), y: axis(titles.measured) },
      plugins: {
        tooltip: {
          ...tooltipStyle(theme),
          filter: item => item.datasetIndex === 0,
          callbacks: {
            title: () => '',
            label: ({ dataIndex }) => {
              const point = points[dataIndex];
              if (!point) return [];
              return [
                `${point.layer} at ${point.bits} bits`,
                `predicted ${typesetNumber(point.predicted)}`,
                `measured ${measuredText(point)}`,
              ];
            },
          },
        },
      },
    },
  };
}
