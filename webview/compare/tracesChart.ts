import type { LayerComparison } from '../../src/engine/report/compareReports';
import type { Measured } from '../../src/engine/util/ratio';
import {
  axisStyle,
  type BarsConfig,
  decadeGrid,
  decadeLabel,
  font,
  tickStyle,
  tooltipStyle,
} from '../shared/chart';
import { typesetNumber } from '../shared/format';
import type { Theme } from '../shared/theme';
import { ratioText } from './comparisonWords';

export interface TracesPicture {
  /** Those in view. */
  readonly rows: readonly LayerComparison[];
  readonly labels: readonly string[];
  readonly labelWidth: number;
  readonly range: { readonly min: number; readonly max: number };
  readonly title: string;
  readonly theme: Theme;
}

export const withError = ({ estimate, stderr }: Measured): string =>
  typesetNumber(estimate) + (stderr ? ` ± ${typesetNumber(stderr, 2)}` : '');

/** A trace at or below zero has no place on a logarithmic axis; an exact one has no error bar. */
const bar = ({ estimate, stderr }: Measured, { min }: TracesPicture['range']) => ({
  x: estimate > 0 ? estimate : NaN,
  y: 0,
  xMin: estimate > 0 && stderr > 0 ? Math.max(min, estimate - stderr) : NaN,
  xMax: estimate > 0 && stderr > 0 ? estimate + stderr : NaN,
});

export function tracesConfig(picture: TracesPicture): BarsConfig {
  const { rows, labels, labelWidth, range, title, theme } = picture;
  const side = (name: 'a' | 'b', colour: string) => ({
    label: name.toUpperCase(),
    data: rows.map(layer => bar(layer[name], range)),
    backgroundColor: colour,
    hoverBackgroundColor: colour,
    borderColor: theme.highContrast ? theme.border : colour,
    borderWidth: theme.highContrast ? 1 : 0,
    borderRadius: 2,
    barPercentage: 0.86,
    categoryPercentage: 0.76,
    errorBarColor: theme.foreground,
    errorBarWhiskerColor: theme.foreground,
    errorBarLineWidth: 1.25,
    errorBarWhiskerLineWidth: 1.25,
    errorBarWhiskerRatio: 0.5,
    errorBarWhiskerSize: 8,
  });
  return {
    type: 'barWithErrorBars',
    data: { labels: [...labels], datasets: [side('a', theme.neutral), side('b', theme.accent)] },
    options: {
      indexAxis: 'y',
      interaction: { mode: 'index', axis: 'y', intersect: false },
      scales: {
        x: {
          type: 'logarithmic',
          ...range,
          ...axisStyle(theme),
          grid: decadeGrid(theme),
          ticks: {
            ...tickStyle(theme),
            maxRotation: 0,
            autoSkip: false,
            callback: value => decadeLabel(value, range),
          },
        },
        y: {
          ...axisStyle(theme),
          grid: { display: false },
          afterFit: scale => {
            scale.width = labelWidth;
          },
          ticks: { color: theme.foreground, font: font(theme), autoSkip: false, crossAlign: 'far' },
        },
      },
      plugins: {
        tooltip: {
          ...tooltipStyle(theme),
          filter: (_, index) => index === 0,
          callbacks: {
            title: items => rows[items[0]?.dataIndex ?? 0]?.name ?? '',
            label: item => {
              const layer = rows[item.dataIndex];
              if (!layer) return '';
              return [
                `${title} in A: ${withError(layer.a)}`,
                `in B: ${withError(layer.b)}`,
                `B by A: ${ratioText(layer)}`,
              ];
            },
          },
        },
      },
    },
  };
}
