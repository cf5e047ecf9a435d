import { type AllocationProblem } from '../../src/engine/allocation/problem';
import { Rng } from '../../src/engine/util/rng';

const WIDTHS = [2, 3, 4, 5, 6, 8, 16];

export interface Random {
  readonly layers: number;
  readonly widths: number;
  /** `bytes` are whole numbers, `real` costs are any, `coarse` ones are full of equal and zero values. */
  readonly kind: 'bytes' | 'real' | 'coarse';
  readonly costs?: readonly string[];
  /** Whether some layers are tied and one is pinned. */
  readonly tied?: boolean;
}

/** Layers whose sensitivity falls with the width, mostly. */
export function randomProblem(seed: number, options: Random): AllocationProblem {
  const { layers: count, widths, kind, costs = ['bytes'], tied = false } = options;
  const random = Rng.of(seed, 'problem');
  const layers = Array.from({ length: count }, (_, l) => {
    const parameters =
      kind === 'coarse' ? 8 * (1 + random.below(3)) : Math.floor(8 * Math.exp(7 * random.uniform()));
    const trace = kind === 'coarse' ? random.below(3) : Math.exp(3 * random.normal());
    return {
      name: `layer ${l}`,
      parameters,
      choices: WIDTHS.slice(0, widths).map(bits => ({
        bits,
        sensitivity: trace * 4 ** -bits * (kind === 'coarse' ? 1 : parameters * (1 + 5 * random.uniform())),
        costs: Object.fromEntries(
          costs.map((name, k) => {
            const cost = k === 0 ? (parameters * bits) / 8 : 1 + bits * random.uniform();
            return [name, kind === 'real' ? cost * (1 + 0.1 * random.uniform()) : Math.ceil(cost)];
          }),
        ),
      })),
    };
  });
  const some = (): string => `layer ${random.below(count)}`;
  const ties =
    tied && count > 2
      ? [
          [some(), some()],
          [some(), some()],
        ]
      : [];
  const pins = tied ? { [some()]: WIDTHS[random.below(widths)] } : {};
  return { layers, ties, pins };
}

export interface Point {
  readonly costs: readonly number[];
  readonly sensitivity: number;
}

/** What every choice that keeps ties and pins costs: all combinations, without any of the engine's code. */
export function allChoices({ layers, ties, pins }: AllocationProblem): Point[] {
  const names = Object.keys(layers[0].choices[0].costs);
  let all: { bits: Map<string, number>; costs: number[]; sensitivity: number }[] = [
    { bits: new Map(), costs: names.map(() => 0), sensitivity: 0 },
  ];
  for (const { name, choices } of layers) {
    const partners = ties.filter(tie => tie.includes(name)).flat();
    all = all.flatMap(point =>
      choices
        .filter(({ bits }) => (pins[name] ?? bits) === bits)
        .filter(({ bits }) => partners.every(partner => (point.bits.get(partner) ?? bits) === bits))
        .map(choice => ({
          bits: new Map(point.bits).set(name, choice.bits),
          costs: names.map((cost, k) => point.costs[k] + choice.costs[cost]),
          sensitivity: point.sensitivity + choice.sensitivity,
        })),
    );
  }
  return all;
}

/** The least sensitivity within limits, up to the rounding of sums; Infinity where nothing is within. */
export const leastWithin = (all: readonly Point[], limits: readonly number[]): number =>
  all.reduce(
    (least, { costs, sensitivity }) =>
      sensitivity < least && limits.every((limit, k) => costs[k] <= limit * (1 + 1e-12))
        ? sensitivity
        : least,
    Infinity,
  );

export const isClose = (a: number, b: number, tolerance = 1e-11): boolean =>
  a === b || Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
