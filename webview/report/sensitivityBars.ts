import { barStyle, figureText, logBar, logRowOptions } from '../shared/bars';
import { type BarPlugin, type BarsConfig, tooltipStyle } from '../shared/chart';
import type { LogRange } from '../shared/logRange';
import type { Theme } from '../shared/theme';
import { bitWord } from './bitChip';
import type { Bar, Measure } from './measures';

export interface BarWindow {
  /** The rows in view; the rest is reached by scrolling. */
  readonly rows: readonly Bar[];
  readonly range: LogRange;
  readonly measure: Measure;
  readonly labelWidth: number;
  readonly labelOf: (bar: Bar) => string;
  readonly theme: Theme;
  readonly onPick: (bar: Bar) => void;
}

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
        ctx.fillText(`◂ ${figureText(bar)}`, chartArea.left + 4, scales.y?.getPixelForValue(index) ?? 0);
      });
      ctx.restore();
    },
  };
}

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
          data: rows.map(bar => logBar(bar, range)),
          ...barStyle(theme, colours),
          barPercentage: 0.72,
          categoryPercentage: 1,
          errorBarWhiskerRatio: 0.45,
          errorBarWhiskerSize: 8,
        },
      ],
    },
    options: {
      ...logRowOptions(theme, range, labelWidth),
      onClick: (_event, picked) => {
        const bar = at(picked[0]?.index);
        if (bar) onPick(bar);
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
              return [`${measure.label}: ${figureText(bar)}`, bits];
            },
          },
        },
      },
    },
    plugins: [nonPositiveMarks(shown)],
  };
}
