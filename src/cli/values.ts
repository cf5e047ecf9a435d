import { InvalidArgumentError } from 'commander';
import { parseBudget, parseSizeBudget } from '../engine/allocation/budget';
import { parseMemory } from '../engine/analysis/memoryBudget';
import { CurvatureError } from '../engine/errors';

/**
 * Readers of the options' values; each throws commander's error, which names the option before the message.
 */

function integer(least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const limit = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`A whole number ${limit} is expected.`);
  };
}

export const count = integer(0, Number.MAX_SAFE_INTEGER);
export const positive = integer(1, Number.MAX_SAFE_INTEGER);
/** One probe has no error bar. */
export const probes = integer(2, Number.MAX_SAFE_INTEGER);
/** What XTrace needs at least. */
export const products = integer(8, Number.MAX_SAFE_INTEGER);
export const seed = integer(0, 2 ** 32 - 1);
export const bitWidth = integer(2, 16);

export function tolerance(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value < Infinity) return value;
  throw new InvalidArgumentError('A number above 0 is expected, such as 0.05.');
}

const units: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 };

/** Seconds, as `60s`, `5min`, `2h`. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(s|min|h)$/.exec(text.trim());
  const seconds = match ? Number(match[1]) * units[match[2]] : 0;
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError('A time is expected, such as 60s, 5min or 2h.');
}

/** From 0 to below 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('A number from 0 to below 1 is expected, such as 0.9.');
}

/** Distinct shares in rising order, above 0 and below 1. */
export function shares(text: string): number[] {
  const found = text.split(',').map(part => Number(part.trim() === '' ? NaN : part));
  if (found.every(x => x > 0 && x < 1) && new Set(found).size === found.length)
    return found.sort((a, b) => a - b);
  throw new InvalidArgumentError('Different numbers between 0 and 1 are expected, such as 0.25,0.5.');
}

/** Distinct widths in rising order. */
export function bitWidths(text: string): number[] {
  const widths = text.split(',').map(part => bitWidth(part.trim()));
  if (new Set(widths).size < widths.length) throw new InvalidArgumentError('A bit width is given twice.');
  return widths.sort((a, b) => a - b);
}

/** Hands on a text that the engine reads again from the report's settings; checked before anything is run. */
const checked =
  (check: (text: string) => unknown) =>
  (text: string): string => {
    try {
      check(text);
      return text;
    } catch (error) {
      if (error instanceof CurvatureError)
        throw new InvalidArgumentError(`${error.message} ${error.hint ?? ''}`);
      throw error;
    }
  };

export const budget = checked(parseSizeBudget);

/** Reads one of an option that may be given several times. */
const each =
  <T>(read: (text: string) => T) =>
  (text: string, before: readonly T[] = []): T[] => [...before, read(text)];

export const budgets = each(checked(parseBudget));

export const ties = each((text: string): string[] => {
  const names = text.split(',').map(name => name.trim());
  if (names.length > 1 && names.every(name => name !== '')) return names;
  throw new InvalidArgumentError('At least two layers are expected, such as conv1,conv2.');
});

/** `layer=bits`; names may hold an equals sign themselves. */
export const pins = each((text: string): [string, number] => {
  const at = text.lastIndexOf('=');
  if (at > 0) return [text.slice(0, at), width(text.slice(at + 1))];
  throw new InvalidArgumentError('A layer and its bits are expected, such as conv1=8.');
});

export function width(text: string): number {
  const bits = Number(text);
  if (text.trim() !== '' && bits > 0 && bits < Infinity) return bits;
  throw new InvalidArgumentError('A bit width is expected, such as 8.');
}

export const memory = checked(parseMemory);
