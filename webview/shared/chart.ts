import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  type Plugin,
  PointElement,
  Tooltip,
  type TooltipOptions,
} from 'chart.js';
import {
  BarWithErrorBar,
  BarWithErrorBarsController,
  PointWithErrorBar,
  ScatterWithErrorBarsController,
} from 'chartjs-chart-error-bars';
import { element } from './element';
import { powerOfTen } from './format';
import type { Theme } from './theme';

Chart.register(
  BarController,
  BarElement,
  BarWithErrorBar,
  BarWithErrorBarsController,
  CategoryScale,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  PointWithErrorBar,
  ScatterWithErrorBarsController,
  Tooltip,
);

export type BarPlugin = Plugin<'barWithErrorBars'>;
export type LinePlugin = Plugin<'line'>;
export type ScatterPlugin = Plugin<'scatterWithErrorBars'>;
export type BarsConfig = ChartConfiguration<'barWithErrorBars'>;
export type LineConfig = ChartConfiguration<'line'>;
export type ScatterConfig = ChartConfiguration<'scatterWithErrorBars'>;
type AnyConfig = BarsConfig | LineConfig | ScatterConfig;

export interface ChartView<C extends AnyConfig> {
  readonly canvas: HTMLCanvasElement;
  /** Draws a configuration, in place once the chart stands; `finding` is what a screen reader hears instead. */
  draw(config: C, finding: string): void;
}

/** A chart that is updated in place and never animates, so that partial results don't flicker. */
export function chartView<C extends AnyConfig>(): ChartView<C> {
  const canvas = element('canvas', { role: 'img' });
  let chart: InstanceType<typeof Chart> | undefined;
  return {
    canvas,
    draw(config, finding) {
      canvas.setAttribute('aria-label', finding);
      const options = { ...config.options, animation: false, responsive: true, maintainAspectRatio: false };
      if (chart) {
        chart.data = config.data;
        chart.options = options as Chart['options'];
        chart.update('none');
      } else {
        chart = new Chart(canvas, { ...config, options } as ChartConfiguration);
      }
    },
  };
}

export const font = (theme: Theme, size = 12, weight: 'normal' | 600 = 'normal') => ({
  family: theme.fontFamily,
  size,
  weight,
});

const measuring = document.createElement('canvas').getContext('2d');

/** Width of a label as a chart would write it. */
export function textWidth(theme: Theme, text: string): number {
  if (!measuring) return 7 * text.length;
  measuring.font = `12px ${theme.fontFamily}`;
  return measuring.measureText(text).width;
}

/** A theme's colour, which is always `rgb(…)`, for areas that others are seen through. */
export const translucent = (colour: string, alpha: number): string =>
  colour.replace('rgb(', 'rgba(').replace(')', `, ${alpha})`);

/** Looks of an axis that every chart shares. */
export const axisStyle = (theme: Theme, title?: string) => ({
  border: { color: theme.border },
  grid: { color: theme.grid, tickColor: theme.grid },
  title: { display: title !== undefined, text: title ?? '', color: theme.muted, font: font(theme) },
});

export const tickStyle = (theme: Theme) => ({ color: theme.muted, font: font(theme) });

const isDecade = (value: number): boolean => {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-6;
};

/** A logarithmic axis with lines at whole powers of ten only. */
export const decadeGrid = (theme: Theme) => {
  const color = ({ tick }: { readonly tick?: { readonly value: number } }) =>
    tick && isDecade(tick.value) ? theme.grid : 'transparent';
  return { color, tickColor: color };
};

/** Labels whole powers of ten only, and no more of them than fit. */
export function decadeLabel(
  value: number | string,
  span: { readonly min: number; readonly max: number },
): string {
  if (!isDecade(Number(value))) return '';
  const rounded = Math.round(Math.log10(Number(value)));
  const decades = Math.log10(span.max) - Math.log10(span.min);
  return rounded % Math.ceil(decades / 6) === 0 ? powerOfTen(rounded) : '';
}

export const tooltipStyle = (theme: Theme): Partial<TooltipOptions> => ({
  backgroundColor: theme.surface,
  borderColor: theme.border,
  borderWidth: 1,
  titleColor: theme.foreground,
  bodyColor: theme.foreground,
  titleFont: { family: theme.fontFamily, size: 12, weight: 600 },
  bodyFont: { family: theme.fontFamily, size: 12 },
  padding: 10,
  cornerRadius: 4,
  displayColors: false,
});
