import type { Theme } from '../shared/theme';

/** A sequential, logarithmic scale; what lies further below its end than this many decades has the end's colour. */
const MOST_DECADES = 4;

export interface HeatScale {
  readonly min: number;
  readonly max: number;
  /** From 0 to 1; undefined for what has no logarithm. */
  position(value: number): number | undefined;
}

/** From the smallest to the largest of the values above zero; undefined without any. */
export function heatScale(values: readonly number[]): HeatScale | undefined {
  const positive = values.filter(value => value > 0 && Number.isFinite(value));
  if (!positive.length) return undefined;
  // Ten thousand values are too many arguments for Math.max.
  const max = positive.reduce((a, b) => Math.max(a, b));
  const min = Math.max(
    positive.reduce((a, b) => Math.min(a, b)),
    max / 10 ** MOST_DECADES,
  );
  const span = Math.log(max / min);
  return {
    min,
    max,
    position: value => (value > 0 ? (span > 0 ? Math.max(0, Math.log(value / min) / span) : 1) : undefined),
  };
}

export interface HeatColour {
  readonly fill: string;
  readonly text: string;
}

/** How much of the accent the smallest value has: some, to be told from what has no value. */
const FAINTEST = 0.06;

/** From the page's background to the theme's accent; text in black or white, one of which has a contrast of 4.5 on any colour. */
export function heatColour({ background, accent }: Theme, position: number): HeatColour {
  const share = FAINTEST + (1 - FAINTEST) * position;
  const [from, to] = [channelsOf(background), channelsOf(accent)];
  const mixed = from.map((low, i) => Math.round(low + share * (to[i] - low)));
  const fill = `rgb(${mixed.join(', ')})`;
  return { fill, text: luminance(mixed) > MIDDLE ? '#000000' : '#ffffff' };
}

/** There black and white have the same contrast: √(1.05 · 0.05) − 0.05. */
const MIDDLE = Math.sqrt(1.05 * 0.05) - 0.05;

const channelsOf = (rgb: string): number[] => (rgb.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);

/** WCAG's relative luminance. */
function luminance(rgb: readonly number[]): number {
  const [red, green, blue] = rgb.map(value => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
