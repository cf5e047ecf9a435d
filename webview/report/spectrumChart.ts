import type { Eigenvalue } from '../../src/engine/report/schema';
import {
  axisStyle,
  decadeGrid,
  decadeLabel,
  type LineConfig,
  type LinePlugin,
  tickStyle,
  tooltipStyle,
  translucent,
} from '../shared/chart';
import { powerOfTen, typesetNumber, withError } from '../shared/format';
import type { Theme } from '../shared/theme';
import { type Axis, axisOf, curveOf, heightOfOne } from './spectrumCurve';
import { eigenvalueError, type SpectrumFigures } from './spectrumFigures';

export interface SpectrumPicture {
  readonly figures: SpectrumFigures;
  /** Standard deviation of the Gaussian that stands for an eigenvalue. */
  readonly width: number;
  readonly isLogDensity: boolean;
  readonly isLogAxis: boolean;
  readonly theme: Theme;
}

/** Positions of the datasets that others refer to. */
const OUTLIERS = 0;
const CURVE = 1;
/** Pixels from one label of the axis to the next, at the least. */
const TICK_ROOM = 44;
/** A logarithmic axis begins at this share of the height of one eigenvalue. */
const LOWEST = 0.2;
const MOST_DECADES = 4;

/** Names both ends of the spectrum above the picture, over a line down to the axis. */
function endLabels(shown: () => SpectrumPicture): LinePlugin {
  return {
    id: 'endLabels',
    beforeDatasetsDraw(chart) {
      const { figures, theme, isLogAxis } = shown();
      const { ctx, chartArea, scales } = chart;
      const axis = axisOf(figures, isLogAxis);
      ctx.save();
      ctx.font = `11px ${theme.fontFamily}`;
      ctx.fillStyle = theme.foreground;
      ctx.strokeStyle = translucent(theme.muted, 0.7);
      ctx.setLineDash([2, 3]);
      const { largest, smallest } = figures.density;
      for (const [name, { value }, align] of [
        ['λmax', largest, 'right'],
        ['λmin', smallest, 'left'],
      ] as const) {
        const x = scales.x?.getPixelForValue(axis.place(value)) ?? 0;
        ctx.beginPath();
        ctx.moveTo(x, chartArea.top - 14);
        ctx.lineTo(x, chartArea.bottom);
        ctx.stroke();
        ctx.textAlign = align;
        ctx.fillText(`${name} ${typesetNumber(value)}`, x + (align === 'right' ? -5 : 5), chartArea.top - 5);
      }
      ctx.restore();
    },
  };
}

/** Zero and powers of ten on both sides, no more of them than can be read; their double and half as well where they are few. */
function ticksOf({ spread, low, high }: SpectrumFigures): number[] {
  const first = Math.ceil(Math.log10(spread));
  const side = (end: number): number[] => {
    const last = Math.floor(Math.log10(end));
    const count = Math.max(0, last - first + 1);
    const step = Math.ceil(count / MOST_DECADES);
    const decades = Array.from({ length: count }, (_, k) => last - k).filter((_, k) => k % step === 0);
    const factors = count <= 2 ? [1, 2, 5] : [1];
    return decades.flatMap(k => factors.map(factor => Number(`${factor}e${k}`))).filter(x => x <= end);
  };
  return [...(low < 0 ? side(-low).map(x => -x) : []), 0, ...(high > 0 ? side(high) : [])].sort(
    (a, b) => a - b,
  );
}

/** Those that are at least so far from each other on the axis: zero first, then powers of ten, then the others. */
function apart(ticks: readonly number[], axis: Axis, gap: number): number[] {
  const rank = (value: number): number =>
    value === 0 ? 0 : Number.isInteger(Math.log10(Math.abs(value))) ? 1 : 2;
  const kept: number[] = [];
  for (const tick of [...ticks].sort((a, b) => rank(a) - rank(b)))
    if (kept.every(other => Math.abs(axis.place(other) - axis.place(tick)) >= gap)) kept.push(tick);
  return kept.sort((a, b) => a - b);
}

function tickText(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-3 && size < 1e5)) return String(value).replace('-', '−');
  const exponent = Math.floor(Math.log10(size) + 1e-9);
  const factor = Math.round(size / 10 ** exponent);
  return `${value < 0 ? '−' : ''}${factor === 1 ? '' : `${factor} × `}${powerOfTen(exponent)}`;
}

/** @param rank 0 where others may lie above it that are not known */
const outlierText = (figures: SpectrumFigures, found: Eigenvalue, rank: number): string[] => [
  `λ${rank || ''} = ${withError(found.value, eigenvalueError(figures, found))}`,
  `relative residual ${typesetNumber(found.residual, 1)}`,
];

function xScale({ figures, isLogAxis, theme }: SpectrumPicture, axis: Axis) {
  let ticks: number[] = [];
  return {
    type: 'linear' as const,
    min: axis.min,
    max: axis.max,
    ...axisStyle(theme, isLogAxis ? 'Eigenvalue λ (logarithmic to both sides)' : 'Eigenvalue λ'),
    ...(isLogAxis
      ? {
          afterBuildTicks: (scale: { ticks: { value: number }[]; chart: { width: number } }) => {
            const gap = ((axis.max - axis.min) * TICK_ROOM) / scale.chart.width;
            ticks = apart(ticksOf(figures), axis, gap);
            scale.ticks = ticks.map(value => ({ value: axis.place(value) }));
          },
        }
      : {}),
    ticks: {
      ...tickStyle(theme),
      maxRotation: 0,
      includeBounds: false,
      callback: (value: number | string, index: number) =>
        isLogAxis ? tickText(ticks[index] ?? 0) : typesetNumber(Number(value), 2),
    },
  };
}

export function spectrumConfig(shown: () => SpectrumPicture): LineConfig {
  const picture = shown();
  const { figures, width, isLogDensity, isLogAxis, theme } = picture;
  const axis = axisOf(figures, isLogAxis);
  const curve = curveOf(figures, axis, width);
  const floor = isLogDensity ? LOWEST * heightOfOne(figures, width) : 0;
  const top = Math.max(...curve.map(point => point.density + point.stderr));
  const range = { min: floor, max: top * (isLogDensity ? 1.6 : 1.05) };
  const line = (height: (point: (typeof curve)[number]) => number) =>
    curve.map(point => ({
      x: axis.place(point.eigenvalue),
      y: Math.max(isLogDensity ? floor / 100 : 0, height(point)),
    }));
  const known = [...figures.density.outliers].sort((a, b) => b.value - a.value);
  const isApart = known.map((_, rank) => rank < figures.apart.count);
  const edge = { borderWidth: 0, pointRadius: 0, pointHitRadius: 0, pointHoverRadius: 0 };
  return {
    type: 'line',
    data: {
      datasets: [
        {
          label: 'Eigenvalues known by themselves',
          data: known.map(({ value }) => ({ x: axis.place(value), y: floor })),
          showLine: false,
          clip: false,
          pointStyle: isApart.map(apart => (apart ? 'triangle' : 'line')),
          pointRotation: isApart.map(apart => (apart ? 0 : 90)),
          pointRadius: isApart.map(apart => (apart ? 5 : 6)),
          pointHoverRadius: 8,
          pointBorderWidth: isApart.map(apart => (apart ? 1 : 1.5)),
          pointBackgroundColor: theme.warning,
          pointBorderColor: isApart.map(apart => (apart ? theme.background : theme.foreground)),
        },
        {
          label: 'Density',
          data: line(point => point.density),
          borderColor: theme.accent,
          borderWidth: 1.5,
          pointRadius: 0,
          pointHoverRadius: 3,
          pointBackgroundColor: theme.accent,
        },
        { ...edge, label: 'Upper', data: line(point => point.density + point.stderr) },
        {
          ...edge,
          label: 'Lower',
          data: line(point => point.density - point.stderr),
          fill: '-1',
          backgroundColor: translucent(theme.accent, 0.3),
        },
      ],
    },
    options: {
      layout: { padding: { top: 18 } },
      interaction: { mode: 'nearest', axis: 'x', intersect: false },
      scales: {
        x: xScale(picture, axis),
        y: {
          type: isLogDensity ? 'logarithmic' : 'linear',
          ...range,
          ...axisStyle(theme, 'Density'),
          ...(isLogDensity ? { grid: decadeGrid(theme) } : {}),
          ticks: {
            ...tickStyle(theme),
            autoSkip: !isLogDensity,
            includeBounds: isLogDensity,
            ...(isLogDensity ? {} : { maxTicksLimit: 6 }),
            callback: value => (isLogDensity ? decadeLabel(value, range) : typesetNumber(Number(value), 2)),
          },
        },
      },
      plugins: {
        tooltip: {
          ...tooltipStyle(theme),
          filter: ({ datasetIndex }, index) => index === 0 && datasetIndex <= CURVE,
          callbacks: {
            title: () => '',
            label: ({ dataIndex, datasetIndex }) => {
              const outlier = known[dataIndex];
              if (datasetIndex === OUTLIERS && outlier)
                return outlierText(figures, outlier, isApart[dataIndex] ? dataIndex + 1 : 0);
              const point = curve[dataIndex];
              return point
                ? [
                    `λ = ${typesetNumber(point.eigenvalue)}`,
                    `density ${withError(point.density, point.stderr)}`,
                  ]
                : [];
            },
          },
        },
      },
    },
    plugins: [endLabels(shown)],
  };
}
