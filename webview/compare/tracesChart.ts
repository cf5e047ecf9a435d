import type { LayerComparison } from '../../src/engine/report/compareReports';
import type { Measured } from '../../src/engine/util/ratio';
import { barStyle, figureText, logBar, logRowOptions } from '../shared/bars';
import { type BarsConfig, tooltipStyle } from '../shared/chart';
import type { Figure, LogRange } from '../shared/logRange';
import type { Theme } from '../shared/theme';
import { ratioText } from './comparisonWords';

export interface TracesPicture {
  /** Those in view. */
  readonly rows: readonly LayerComparison[];
  readonly labels: readonly string[];
  readonly labelWidth: number;
  readonly range: LogRange;
  readonly title: string;
  readonly theme: Theme;
}

export const figureOf = ({ estimate, stderr }: Measured): Figure => ({ value: estimate, stderr });

export function tracesConfig(picture: TracesPicture): BarsConfig {
  const { rows, labels, labelWidth, range, title, theme } = picture;
  const side = (name: 'a' | 'b', colour: string) => ({
    label: name.toUpperCase(),
    data: rows.map(layer => logBar(figureOf(layer[name]), range)),
    ...barStyle(theme, colour),
    barPercentage: 0.86,
    categoryPercentage: 0.76,
    errorBarWhiskerRatio: 0.5,
    errorBarWhiskerSize: 8,
  });
  return {
    type: 'barWithErrorBars',
    data: { labels: [...labels], datasets: [side('a', theme.neutral), side('b', theme.accent)] },
    options: {
      ...logRowOptions(theme, range, labelWidth),
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
                `${title} in A: ${figureText(figureOf(layer.a))}`,
                `in B: ${figureText(figureOf(layer.b))}`,
                `B by A: ${ratioText(layer)}`,
              ];
            },
          },
        },
      },
    },
  };
}
