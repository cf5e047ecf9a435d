import {
  axisStyle,
  type BarPlugin,
  type BarsConfig,
  decadeGrid,
  decadeLabel,
  font,
  tickStyle,
  tooltipStyle,
} from '../shared/chart';
import { typesetNumber } from '../shared/format';
import type { Theme } from '../shared/theme';
import { bitWord } from './bitChip';
import type { Bar, Measure } from './measures';

export interface BarWindow {
  /** The rows in view; the rest is reached by scrolling. */
  readonly rows: readonly Bar[];
  readonly range: { readonly min: number; readonly max: number };
  readonly measure: Measure;
  readonly labelWidth: number;
  readonly labelOf: (bar: Bar) => string;
  readonly theme: Theme;
  readonly onPick: (bar: Bar) => void;
}

export const withError = (bar: Bar): string =>
  typesetNumber(bar.value) + (bar.stderr ? ` ± ${typesetNumber(bar.stderr, 2)}` : '');

/** A logarithmic axis has no place for zero and below: the figure itself stands where the bar would begin. */
function nonPositiveMarks(shown: () => BarWindow): BarPlugin {
  return {
    id: 'nonPositiveMarks',
    afterDatasetsDraw({ ctx, chartArea, scales }) {
      const { rows, theme } = shown();
      ctx.save();
      ctx.font = `600 11px ${theme.fontFamily}`;
      ctx.fillStyle = theme.warning;
      ctx.textBaseline = 'middle';
      rows.forEach((bar, index) => {
        if (bar.value > 0) return;
        ctx.fillText(`◂ ${withError(bar)}`, chartArea.left + 4, scales.y?.getPixelForValue(index) ?? 0);
      });
      ctx.restore();
    },
  };
}

/** Where the error bar begins and ends; an exact figure has none. */
const whiskers = (value: number, stderr: number, min: number) =>
  stderr > 0 ? { xMin: Math.max(min, value - stderr), xMax: value + stderr } : { xMin: NaN, xMax: NaN };

export function sensitivityConfig(shown: () => BarWindow): BarsConfig {
  const { rows, range, measure, labelWidth, labelOf, theme, onPick } = shown();
  const colours = rows.map(({ layer }) => (layer.bits === null ? theme.accent : theme.bits(layer.bits)));
  const at = (index: number | undefined): Bar | undefined => (index === undefined ? undefined : rows[index]);
  return {
    type: 'barWithErrorBars',
    data: {
      labels: rows.map(bar => labelOf(bar)),
      datasets: [
        {
          label: measure.label,
          data: rows.map(({ value, stderr }) =>
            value > 0
              ? { x: value, y: 0, ...whiskers(value, stderr, range.min) }
              : { x: NaN, y: 0, ...whiskers(NaN, 0, range.min) },
          ),
          backgroundColor: colours,
          hoverBackgroundColor: colours,
          borderColor: theme.highContrast ? theme.border : colours,
          borderWidth: theme.highContrast ? 1 : 0,
          borderRadius: 2,
          barPercentage: 0.72,
          categoryPercentage: 1,
          errorBarColor: theme.foreground,
          errorBarWhiskerColor: theme.foreground,
          errorBarLineWidth: 1.25,
          errorBarWhiskerLineWidth: 1.25,
          errorBarWhiskerRatio: 0.45,
          errorBarWhiskerSize: 8,
        },
      ],
    },
    options: {
      indexAxis: 'y',
      interaction: { mode: 'index', axis: 'y', intersect: false },
      onClick: (_event, picked) => {
        const bar = at(picked[0]?.index);
        if (bar) onPick(bar);
      },
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
          callbacks: {
            title: items => at(items[0]?.dataIndex)?.layer.name ?? '',
            label: item => {
              const bar = at(item.dataIndex);
              if (!bar) return '';
              const bits = bar.layer.bits === null ? 'no suggestion' : bitWord(bar.layer.bits);
              return [`${measure.label}: ${withError(bar)}`, bits];
            },
          },
        },
      },
    },
    plugins: [nonPositiveMarks(shown)],
  };
}
