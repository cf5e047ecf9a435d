import { CurvatureError } from '../errors';
import { type Group } from './groups';
import { type AllocationProblem, costNames, type Limit, totalParameters } from './problem';

/** What a budget's value means. */
export type Amount =
  /** In the cost's own unit. */
  | { readonly kind: 'limit'; readonly value: number }
  /** Stored bits per weight. */
  | { readonly kind: 'effectiveBits'; readonly bits: number }
  /** How many times smaller than in float32. */
  | { readonly kind: 'ratio'; readonly times: number }
  | { readonly kind: 'fraction'; readonly fraction: number };

export interface Budget {
  /** The name of the cost. */
  readonly cost: string;
  readonly amount: Amount;
}

/** Units by cost, in the unit that the cost is counted in. */
const units: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  bytes: { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 },
  bops: { k: 1e3, m: 1e6, g: 1e9, t: 1e12 },
  latency: { us: 1e-3, µs: 1e-3, ms: 1, s: 1e3 },
};

const FLOAT32_BYTES = 4;

/**
 * Reads `8MB`, `800KB`, `1.5GiB`, `12345B` (KB is 1000 bytes, KiB 1024), `4.5bits` (stored bits per weight), `4x`
 * (the ratio to float32), `50%` or a fraction such as `0.5`; for other costs `NAME=number`, `NAME=50%`, `bops=3G`,
 * `latency=5ms`. Throws `option-invalid` for anything else.
 */
export const parseBudget = (text: string): Budget => readBudget(text, anyCosts);

/** @param expected what its errors say that a budget is */
function readBudget(text: string, expected: string): Budget {
  const fail = (problem: string): CurvatureError => invalid(text, problem, expected);
  const [, name, value] = /^(?:(.*)=)?(.*)$/.exec(text.trim())!;
  const cost = name?.trim() ?? 'bytes';
  const match = /^(?:ratio\s*)?(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)\s*([a-zµ%]*)$/i.exec(
    value.trim(),
  );
  if (cost === '') throw fail('names no cost');
  if (!match) throw fail('is not a size');
  const amount = Number(match[1]);
  if (!Number.isFinite(amount)) throw fail('is too large');
  const unit = match[2].toLowerCase();
  const isRatio = unit === 'x';
  if (/^ratio/i.test(value.trim()) && !isRatio) throw fail("is a ratio without an 'x'");
  if (unit === '%') {
    if (amount > 100) throw fail('is above 100 %');
    return { cost, amount: { kind: 'fraction', fraction: amount / 100 } };
  }
  if (unit === '' && name === undefined) {
    if (amount > 1) throw fail('has no unit and is above 1, the largest fraction');
    return { cost, amount: { kind: 'fraction', fraction: amount } };
  }
  if (unit === '') return { cost, amount: { kind: 'limit', value: amount } };
  if (cost === 'bytes' && match[2] === 'b')
    throw fail(`may be bits or bytes: write ${match[1]}bits, or ${match[1]}B for bytes`);
  if (cost === 'bytes' && amount === 0) throw fail('is zero');
  if (cost === 'bytes' && isRatio) return { cost, amount: { kind: 'ratio', times: amount } };
  if (cost === 'bytes' && /^bits?$/.test(unit))
    return { cost, amount: { kind: 'effectiveBits', bits: amount } };
  const known = Object.hasOwn(units, cost) ? units[cost] : {};
  if (!Object.hasOwn(known, unit)) throw fail(`has the unknown unit '${match[2]}'`);
  return { cost, amount: { kind: 'limit', value: amount * known[unit] } };
}

/** A budget on the size of the weights alone. Throws `option-invalid` for budgets on other costs. */
export function parseSizeBudget(text: string): Budget {
  const budget = readBudget(text, sizes);
  if (budget.cost === 'bytes') return budget;
  throw invalid(text, `is on '${budget.cost}', and only the size of the weights is known here`, sizes);
}

/**
 * The limit that a budget sets.
 *
 * Effective bits and ratios count all that is stored: bytes · 8 / weights, and 4 · weights / bytes. A fraction lies
 * between all layers at 4 bits and all at 8 bits where all of them can have both, as in HAWQ-V3; else between each
 * layer's least and largest cost. Pinned layers are as they are pinned at both ends.
 *
 * Throws `problem-invalid` where the layers don't have the cost, or don't tell how many weights they have.
 */
export function limitOf(
  { cost, amount }: Budget,
  problem: AllocationProblem,
  groups: readonly Group[],
): Limit {
  const names = costNames(problem);
  const k = names.indexOf(cost);
  if (k < 0) {
    throw new CurvatureError(
      'problem-invalid',
      `There is a budget on '${cost}', and the layers have no such cost.`,
      names.length > 0 ? `Their costs are ${names.join(', ')}.` : 'Their choices have no costs at all.',
    );
  }
  switch (amount.kind) {
    case 'limit':
      return { cost, limit: amount.value };
    case 'effectiveBits':
      return { cost, limit: (amount.bits * weights(problem)) / 8 };
    case 'ratio':
      return { cost, limit: (FLOAT32_BYTES * weights(problem)) / amount.times };
    case 'fraction': {
      const [low, high] = fractionRange(groups, k);
      return { cost, limit: low + amount.fraction * (high - low) };
    }
  }
}

function weights(problem: AllocationProblem): number {
  const total = totalParameters(problem);
  if (total !== undefined) return total;
  throw new CurvatureError(
    'problem-invalid',
    'A budget in bits per weight or as a ratio needs to know how many weights there are.',
    "Give each layer its number of 'parameters', or the budget as a size.",
  );
}

function fractionRange(groups: readonly Group[], k: number): [number, number] {
  const ends = groups.map(({ choices }) => {
    if (choices.length === 1) return [choices[0].costs[k], choices[0].costs[k]];
    return [4, 8].map(bits => choices.find(choice => choice.bits === bits)?.costs[k]);
  });
  const sum = (values: readonly (number | undefined)[]): number =>
    values.reduce<number>((total, value) => total + (value ?? NaN), 0);
  const [low, high] = [sum(ends.map(([at4]) => at4)), sum(ends.map(([, at8]) => at8))];
  if (!Number.isNaN(low + high)) return [low, high];
  const costs = groups.map(({ choices }) => choices.map(choice => choice.costs[k]));
  return [sum(costs.map(c => Math.min(...c))), sum(costs.map(c => Math.max(...c)))];
}

const sizes =
  'a size such as 8MB or 800KB, bits per weight such as 4.5bits, a ratio to float32 such as 4x, or a fraction from 0 to 1 such as 0.5';
const anyCosts = `${sizes}; for another cost its name and value, such as bops=3G, latency=5ms or latency=50%`;

const invalid = (text: string, problem: string, expected: string): CurvatureError =>
  new CurvatureError('option-invalid', `The budget '${text}' ${problem}.`, `Give ${expected}.`);
