import type { GraphBuilder } from '../graph/builder';

/** Slicing and padding along single axes, which several rules are made of. */

/** Slice with unit steps along one axis. */
export const sliceAxis = (b: GraphBuilder, x: string, axis: number, start: number, end: number): string =>
  b.add('Slice', [x, b.ints([start]), b.ints([end]), b.ints([axis])]);

/** Pads with zeros; `before` and `after` per axis. */
export const padZeros = (
  b: GraphBuilder,
  x: string,
  before: readonly number[],
  after: readonly number[],
): string =>
  before.every(d => d === 0) && after.every(d => d === 0)
    ? x
    : b.add('Pad', [x, b.ints([...before, ...after])]);

export const perAxis = (rank: number, axis: number, value: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i === axis ? value : 0));
