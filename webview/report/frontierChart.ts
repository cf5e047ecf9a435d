import type { FrontierPoint } from '../../src/engine/report/schema';
import {
  axisStyle,
  decadeGrid,
  decadeLabel,
  type LineConfig,
  type LinePlugin,
  tickStyle,
  tooltipStyle,
} from '../shared/chart';
import { byteUnit, formatBytes, typesetNumber } from '../shared/format';
import type { Theme } from '../shared/theme';
import type { UniformPoint } from './frontierPoints';

export interface FrontierPicture {
  readonly points: readonly FrontierPoint[];
  /** The frontier under the reader's pins and ties; empty without any. */
  readonly bound: readonly Sized[];
  readonly uniform: readonly UniformPoint[];
  readonly chosen: { readonly bytes: number; readonly sensitivity: number } | undefined;
  readonly budgetBytes: number | undefined;
  /** What the reader's budget, pins and ties lead to, where these are not the report's. */
  readonly own: Sized | undefined;
  readonly theme: Theme;
  readonly onPick: (point: FrontierPoint) => void;
}

/** Positions of the datasets that others refer to. */
const UNIFORM = 2;
const FRONTIER = 3;

export type Sized = { readonly bytes: number; readonly sensitivity: number };

/** With every layer in float32 nothing is lost, which has no place on a logarithmic axis. */
const isDrawn = ({ sensitivity }: Sized): boolean => sensitivity > 0;

/** Ends of the sensitivity axis. A negative Hessian sum has no logarithm; the axis is linear then. */
function sensitivityRange(values: readonly number[]) {
  const logarithmic = values.every(value => value > 0);
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (logarithmic) return { logarithmic, min: low / 1.6, max: high * 1.6 };
  const margin = 0.05 * (high - low || 1);
  return { logarithmic, min: low - margin, max: high + margin };
}

/** Names the uniform widths beside their marks. */
function uniformLabels(shown: () => FrontierPicture): LinePlugin {
  return {
    id: 'uniformLabels',
    afterDatasetsDraw(chart) {
      const { uniform, theme } = shown();
      const { ctx, chartArea } = chart;
      ctx.save();
      ctx.font = `11px ${theme.fontFamily}`;
      ctx.fillStyle = theme.foreground;
      ctx.strokeStyle = theme.background;
      ctx.lineWidth = 3;
      chart.getDatasetMeta(UNIFORM).data.forEach((mark, index) => {
        // Beside the mark, or above it where the picture ends.
        const beside = mark.x + 60 < chartArea.right;
        ctx.textAlign = beside ? 'left' : 'right';
        const place = beside ? ([mark.x + 9, mark.y + 4] as const) : ([mark.x + 6, mark.y - 10] as const);
        const text = `all ${uniform[index]?.bits} bit`;
        ctx.strokeText(text, ...place);
        ctx.fillText(text, ...place);
      });
      ctx.restore();
    },
  };
}

export function frontierConfig(shown: () => FrontierPicture): LineConfig {
  const picture = shown();
  const { points, bound, uniform, chosen, budgetBytes, own, theme } = picture;
  const unit = byteUnit(Math.max(...points.map(point => point.bytes)));
  const range = sensitivityRange(
    [...points, ...uniform, ...[...bound, ...(own ? [own] : [])].filter(isDrawn)].map(p => p.sensitivity),
  );
  const place = ({ bytes, sensitivity }: Sized) => ({ x: bytes / unit.bytes, y: sensitivity });
  const marker = { showLine: false, pointHoverRadius: 8, borderColor: theme.foreground };
  const budget = budgetBytes === undefined ? undefined : budgetBytes / unit.bytes;
  const describe = (index: number, dataset: string | undefined): string[] => {
    const uniformPoint = dataset === 'Uniform' ? uniform[index] : undefined;
    const point: Sized | undefined =
      uniformPoint ??
      (dataset === 'Suggested'
        ? chosen
        : dataset === 'Your choice'
          ? own
          : (dataset === 'With pins and ties' ? bound : points)[index]);
    if (!point) return [];
    return [
      uniformPoint ? `every layer at ${uniformPoint.bits} bits` : (dataset ?? ''),
      formatBytes(point.bytes),
      `ΣΩ ${typesetNumber(point.sensitivity)}, predicted loss increase ${typesetNumber(point.sensitivity / 2)}`,
    ];
  };
  return {
    type: 'line',
    data: {
      datasets: [
        {
          ...marker,
          label: 'Your choice',
          data: own ? [place(own)] : [],
          pointStyle: 'circle',
          pointRadius: 9,
          pointBackgroundColor: 'transparent',
          pointBorderColor: theme.foreground,
          pointBorderWidth: 2,
        },
        {
          ...marker,
          label: 'Suggested',
          data: chosen ? [place(chosen)] : [],
          pointStyle: 'circle',
          pointRadius: 6,
          pointBackgroundColor: theme.accent,
          pointBorderColor: theme.background,
          pointBorderWidth: 2,
        },
        {
          ...marker,
          label: 'Uniform',
          data: uniform.map(place),
          pointStyle: 'triangle',
          pointRadius: 6,
          pointBackgroundColor: uniform.map(({ bits }) => theme.bits(bits)),
          pointBorderColor: theme.foreground,
          pointBorderWidth: 1,
        },
        {
          label: 'Frontier',
          data: points.map(place),
          stepped: 'before',
          borderColor: theme.accent,
          borderWidth: 2,
          pointRadius: points.length > 60 ? 0 : 2.5,
          pointBackgroundColor: theme.accent,
          pointBorderColor: theme.accent,
          pointHoverRadius: 5,
        },
        {
          label: 'With pins and ties',
          data: bound.map(place),
          stepped: 'before',
          borderColor: theme.foreground,
          borderWidth: 1.5,
          borderDash: [2, 3],
          pointRadius: 0,
          pointHoverRadius: 4,
        },
        {
          label: 'Budget',
          data: budget === undefined ? [] : [range.min, range.max].map(y => ({ x: budget, y })),
          borderColor: theme.warning,
          borderWidth: 1.5,
          borderDash: [5, 4],
          pointRadius: 0,
          pointHitRadius: 0,
          pointHoverRadius: 0,
        },
      ],
    },
    options: {
      interaction: { mode: 'nearest', axis: 'xy', intersect: false },
      onClick: (_event, picked) => {
        const index = picked.find(found => found.datasetIndex === FRONTIER)?.index;
        const point = index === undefined ? undefined : points[index];
        if (point) picture.onPick(point);
      },
      scales: {
        x: {
          type: 'linear',
          ...axisStyle(theme, `Size of the quantized weights (${unit.name})`),
          grace: '4%',
          ticks: { ...tickStyle(theme), maxTicksLimit: 8 },
        },
        y: {
          type: range.logarithmic ? 'logarithmic' : 'linear',
          min: range.min,
          max: range.max,
          ...axisStyle(theme, 'ΣΩ'),
          ...(range.logarithmic ? { grid: decadeGrid(theme) } : {}),
          ticks: {
            ...tickStyle(theme),
            autoSkip: !range.logarithmic,
            includeBounds: range.logarithmic,
            callback: value =>
              range.logarithmic ? decadeLabel(value, range) : typesetNumber(Number(value), 2),
          },
        },
      },
      plugins: {
        tooltip: {
          ...tooltipStyle(theme),
          filter: (item, index) => index === 0 && item.dataset.label !== 'Budget',
          callbacks: { title: () => '', label: item => describe(item.dataIndex, item.dataset.label) },
        },
      },
    },
    plugins: [uniformLabels(shown)],
  };
}
