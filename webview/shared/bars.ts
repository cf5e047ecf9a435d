import { axisStyle, type BarsConfig, decadeGrid, decadeLabel, font, tickStyle } from './chart';
import { typesetNumber, withError } from './format';
import type { Figure, LogRange } from './logRange';
import type { Theme } from './theme';

export const figureText = ({ value, stderr = 0 }: Figure): string =>
  stderr > 0 ? withError(value, stderr) : typesetNumber(value);

/** A bar on a logarithmic axis, where zero and below have no place; an exact figure has no error bar. */
export const logBar = ({ value, stderr }: Figure, { min }: LogRange) => ({
  x: value > 0 ? value : NaN,
  y: 0,
  xMin: value > 0 && stderr > 0 ? Math.max(min, value - stderr) : NaN,
  xMax: value > 0 && stderr > 0 ? value + stderr : NaN,
});

/** Looks of bars and their error bars. */
export const barStyle = (theme: Theme, colour: string | string[]) => ({
  backgroundColor: colour,
  hoverBackgroundColor: colour,
  borderColor: theme.highContrast ? theme.border : colour,
  borderWidth: theme.highContrast ? 1 : 0,
  borderRadius: 2,
  errorBarColor: theme.foreground,
  errorBarWhiskerColor: theme.foreground,
  errorBarLineWidth: 1.25,
  errorBarWhiskerLineWidth: 1.25,
});

/** A row to each layer: names on the left, figures along a logarithmic axis; rows are pointed at as a whole. */
export const logRowOptions = (theme: Theme, range: LogRange, labelWidth: number) =>
  ({
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
  }) satisfies BarsConfig['options'];
