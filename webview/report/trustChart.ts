import { stepWords } from '../../src/engine/report/doubt';
import type { TrustStep } from '../../src/engine/report/trust';
import { axisStyle, type ScatterConfig, tickStyle, tooltipStyle } from '../shared/chart';
import { formatNumber, typesetNumber } from '../shared/format';
import type { Theme } from '../shared/theme';

/** The library draws the errors that there are; its types want four of each point. */
type Dataset = ScatterConfig['data']['datasets'][number];
type Point = Dataset['data'][number];

/** A course of something along a step: what was measured, and what the model says. */
export interface Course {
  readonly title: string;
  readonly measured: readonly {
    readonly share: number;
    readonly value: number;
    /** What the prediction may be off by; 0 where none is asked for. */
    readonly slack: number;
    readonly predicted: number;
    readonly isTrusted: boolean;
  }[];
  readonly predicted: readonly { readonly share: number; readonly value: number }[];
  /** What rounding leaves uncertain on either side of zero; 0 for none. */
  readonly rounding: number;
}

const CURVE = 40;

/** ΔL = s gᵀδ + s² ½ δᵀHδ against what was measured at a few shares s of the step. */
export function lossCourse(
  { points, firstOrder, secondOrder }: TrustStep,
  tolerance: number,
  rounding: number,
): Course {
  return {
    title: 'Change of the loss',
    measured: [
      { share: 0, value: 0, slack: 0, predicted: 0, isTrusted: true },
      ...points.map(({ share, loss, isTrusted }) => ({
        share,
        value: loss.measured,
        slack: tolerance * Math.abs(loss.measured) + rounding,
        predicted: loss.predicted,
        isTrusted,
      })),
    ],
    predicted: Array.from({ length: CURVE + 1 }, (_, i) => {
      const share = i / CURVE;
      return { share, value: share * firstOrder + share * share * secondOrder };
    }),
    rounding,
  };
}

/** ‖∇L‖ of the layer, to which no tolerance is held. */
export const gradientCourse = ({ points }: TrustStep): Course => ({
  title: 'Norm of the gradient',
  measured: points.map(({ share, gradientNorm: { measured, predicted } }) => ({
    share,
    value: measured,
    slack: 0,
    predicted,
    isTrusted: true,
  })),
  predicted: points.map(({ share, gradientNorm }) => ({ share, value: gradientNorm.predicted })),
  rounding: 0,
});

/** A limit closer to zero than this share of the picture would lie on the axis. */
const VISIBLE = 0.01;

export function isRoundingVisible({ measured, predicted, rounding }: Course): boolean {
  const values = [...measured, ...predicted].map(({ value }) => Math.abs(value));
  return rounding > VISIBLE * Math.max(...values);
}

const line = (label: string, data: { x: number; y: number }[], look: object): Dataset =>
  ({
    label,
    data: data as Point[],
    showLine: true,
    pointRadius: 0,
    pointHitRadius: 0,
    pointHoverRadius: 0,
    ...look,
  }) as Dataset;

export function courseConfig(course: Course, theme: Theme): ScatterConfig {
  const { measured, predicted, rounding } = course;
  const colours = measured.map(({ isTrusted }) => (isTrusted ? theme.accent : theme.warning));
  const limits = isRoundingVisible(course) ? [rounding, -rounding] : [];
  const points = {
    label: 'Measured',
    data: measured.map(({ share, value, slack }) => ({
      x: share,
      y: value,
      ...(slack ? { yMin: value - slack, yMax: value + slack } : {}),
    })) as Point[],
    pointRadius: 4.5,
    pointHoverRadius: 6,
    pointBackgroundColor: colours,
    pointBorderColor: theme.background,
    pointBorderWidth: 1,
    errorBarColor: theme.muted,
    errorBarWhiskerColor: theme.muted,
    errorBarLineWidth: 1.25,
    errorBarWhiskerSize: 8,
  } as Dataset;
  return {
    type: 'scatterWithErrorBars',
    data: {
      datasets: [
        points,
        line(
          'Predicted',
          predicted.map(({ share, value }) => ({ x: share, y: value })),
          { borderColor: theme.foreground, borderWidth: 1.5 },
        ),
        ...limits.map(limit =>
          line(
            'Rounding',
            [
              { x: 0, y: limit },
              { x: 1, y: limit },
            ],
            {
              borderColor: theme.muted,
              borderWidth: 1,
              borderDash: [4, 4],
            },
          ),
        ),
      ],
    },
    options: {
      interaction: { mode: 'nearest', axis: 'x', intersect: false },
      scales: {
        x: {
          type: 'linear',
          min: 0,
          max: 1.03,
          ...axisStyle(theme, 'Share of the step'),
          afterBuildTicks: axis => {
            axis.ticks = [0, 0.25, 0.5, 0.75, 1].map(value => ({ value }));
          },
          ticks: { ...tickStyle(theme), callback: value => String(value) },
        },
        y: {
          type: 'linear',
          grace: '6%',
          ...axisStyle(theme, course.title),
          ticks: {
            ...tickStyle(theme),
            maxTicksLimit: 5,
            callback: value => typesetNumber(Number(value), 2),
          },
        },
      },
      plugins: {
        tooltip: {
          ...tooltipStyle(theme),
          filter: item => item.datasetIndex === 0,
          callbacks: {
            title: () => '',
            label: ({ dataIndex }) => {
              const { share, value, slack, predicted: foretold } = measured[dataIndex];
              if (share === 0) return 'the weights as they are';
              const within = slack ? ` ± ${formatNumber(slack, 2)}` : '';
              return [
                stepWords(share),
                `measured ${typesetNumber(value)}${within}`,
                `predicted ${typesetNumber(foretold)}`,
              ];
            },
          },
        },
      },
    },
  };
}
