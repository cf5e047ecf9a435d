import { Rng } from './rng';

/** Ranks from 1, equal values sharing the mean of theirs. */
export function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) found[order[i]] = (start + end + 1) / 2;
    start = end;
  }
  return found;
}

/** Spearman's ρ: Pearson's correlation of the ranks; NaN below two values, or where all of a side are equal. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [centred(ranks(a)), centred(ranks(b))];
  const inner = (p: readonly number[], q: readonly number[]): number =>
    p.reduce((sum, value, i) => sum + value * q[i], 0);
  return inner(x, y) / Math.sqrt(inner(x, x) * inner(y, y));
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return values.map(v => v - mean);
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The percentile interval of a statistic over items that are drawn anew with replacement (Efron, 1979). Undefined results, which
 * draws of few different items give, are left out.
 * @param statistic of the drawn items' indices
 */
export function bootstrapInterval(
  items: number,
  statistic: (drawn: readonly number[]) => number,
  {
    seed,
    draws = 500,
    level = 0.95,
  }: { readonly seed: number; readonly draws?: number; readonly level?: number },
): Interval | undefined {
  const random = Rng.of(seed, 'bootstrap');
  const found: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const value = statistic(Array.from({ length: items }, () => random.below(items)));
    if (!Number.isNaN(value)) found.push(value);
  }
  if (found.length < draws / 2) return undefined;
  found.sort((a, b) => a - b);
  const at = (share: number): number => found[Math.round(share * (found.length - 1))];
  return { low: at((1 - level) / 2), high: at((1 + level) / 2) };
}
