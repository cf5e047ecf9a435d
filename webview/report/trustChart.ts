import { stepWords } from '../../src/engine/report/doubt';
import { axisStyle, type ScatterConfig, tickStyle, tooltipStyle } from '../shared/chart';
import { typesetNumber, withError } from '../shared/format';
import type { Theme } from '../shared/theme';
import { type Course, isRoundingVisible } from './trustCourse';

/** The library draws the errors that there are; its types want four of each point. */
type Dataset = ScatterConfig['data']['datasets'][number];
type Point = Dataset['data'][number];

/** As many digits as tell a tick from the next. */
function tickLabel(value: number, [first, second]: readonly { readonly value: number }[]): string {
  if (!second || value === 0) return typesetNumber(value, 2);
  const order = (x: number): number => Math.floor(Math.log10(Math.abs(x)) + 1e-9);
  return typesetNumber(value, Math.max(1, order(value) - order(second.value - first.value) + 1));
}

const line = (label: string, data: { x: number; y: number }[], look: object): Dataset =>
  ({
    label,
    data: data as Point[],
    showLine: true,
    radius: 0,
    hitRadius: 0,
    hoverRadius: 0,
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
    radius: 5,
    hoverRadius: 6,
    backgroundColor: colours,
    borderColor: theme.background,
    borderWidth: 1,
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
          min: -0.03,
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
            callback: (value, _, ticks) => tickLabel(Number(value), ticks),
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
              return [
                stepWords(share),
                `measured ${withError(value, slack)}`,
                `predicted ${typesetNumber(foretold)}`,
              ];
            },
          },
        },
      },
    },
  };
}
