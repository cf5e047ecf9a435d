import { CurvatureError } from '../errors';
import { type AllocationProblem, costNames } from './problem';

/** Layers that take one width together: those of a tie, or a single one. */
export interface Group {
  /** Indices of the layers, rising. */
  readonly members: readonly number[];
  /** Sums over the members. */
  readonly choices: readonly GroupChoice[];
}

export interface GroupChoice {
  readonly bits: number;
  readonly sensitivity: number;
  /** In the order of `costNames`. */
  readonly costs: readonly number[];
}

/**
 * The problem without its ties and pins: tied layers become one with the widths that all of them have, pinned ones
 * keep one choice. In the order of each group's first layer.
 *
 * Throws `problem-invalid` where a tie or pin names no layer, tied layers have no width in common or are pinned to
 * different ones, or a layer doesn't have the width that it is pinned to.
 *
 * @param widths the only ones to choose from, pins apart; all by default
 */
export function groupLayers(problem: AllocationProblem, widths?: readonly number[]): Group[] {
  const { layers, pins } = problem;
  const names = costNames(problem);
  const index = new Map(layers.map(({ name }, i) => [name, i]));
  const pinned = new Map(
    Object.entries(pins).map(([name, bits]) => [indexOf(index, name, 'A pin names'), bits]),
  );
  return membersOf(problem, index).map(members => {
    const settled = settledBits(problem, members, pinned);
    const common = layers[members[0]].choices
      .map(({ bits }) => bits)
      .filter(bits => members.every(i => layers[i].choices.some(choice => choice.bits === bits)));
    const tied = `the tied layers ${members.map(i => `'${layers[i].name}'`).join(', ')}`;
    if (common.length === 0) throw invalid(`No width is common to ${tied}.`, 'Give them one, or untie them.');
    const allowed = common.filter(bits =>
      settled === undefined ? (widths?.includes(bits) ?? true) : bits === settled,
    );
    if (allowed.length === 0) {
      const who = members.length === 1 ? `Layer '${layers[members[0]].name}'` : `The group of ${tied}`;
      const wanted = settled === undefined ? `of ${widths?.join(', ')} bits` : `of ${settled} bits`;
      throw invalid(`${who} has no choice ${wanted}; there are ${common.join(', ')}.`);
    }
    const choices = allowed.map((bits): GroupChoice => {
      const chosen = members.map(i => layers[i].choices.find(choice => choice.bits === bits)!);
      return {
        bits,
        sensitivity: chosen.reduce((sum, choice) => sum + choice.sensitivity, 0),
        costs: names.map(name => chosen.reduce((sum, choice) => sum + choice.costs[name], 0)),
      };
    });
    return { members, choices };
  });
}

/** The layers in groups; ties that share a layer are one tie. */
function membersOf({ layers, ties }: AllocationProblem, index: ReadonlyMap<string, number>): number[][] {
  const first = layers.map((_, i) => i);
  const root = (i: number): number => (first[i] === i ? i : root(first[i]));
  for (const tie of ties) {
    const [head, ...others] = tie.map(name => root(indexOf(index, name, 'A tie names')));
    for (const other of others) {
      const [low, high] = [root(head), root(other)].sort((a, b) => a - b);
      first[high] = low;
    }
  }
  const groups = new Map<number, number[]>();
  layers.forEach((_, i) => groups.set(root(i), [...(groups.get(root(i)) ?? []), i]));
  return [...groups.values()];
}

/** The width that the group is pinned to, if any of its layers is. */
function settledBits(
  { layers }: AllocationProblem,
  members: readonly number[],
  pinned: ReadonlyMap<number, number>,
): number | undefined {
  const [pin, ...others] = members.filter(i => pinned.has(i));
  for (const other of others) {
    if (pinned.get(pin) === pinned.get(other)) continue;
    throw invalid(
      `Layers '${layers[pin].name}' and '${layers[other].name}' are tied, and pinned to ${pinned.get(pin)} and ${pinned.get(other)} bits.`,
      'Pin them to the same width, or untie them.',
    );
  }
  return pin === undefined ? undefined : pinned.get(pin);
}

function indexOf(index: ReadonlyMap<string, number>, name: string, what: string): number {
  const found = index.get(name);
  if (found !== undefined) return found;
  const some = [...index.keys()].slice(0, 5).map(n => `'${n}'`);
  const more = index.size > some.length ? ` and ${index.size - some.length} more` : '';
  throw invalid(`${what} '${name}', and there is no such layer.`, `Layers are ${some.join(', ')}${more}.`);
}

const invalid = (message: string, hint?: string): CurvatureError =>
  new CurvatureError('problem-invalid', message, hint);
