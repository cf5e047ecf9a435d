import { type Frontier } from './frontier';
import { type Group } from './groups';
import { merge, origin, type Points } from './points';
import { CurvatureError } from '../errors';

/** Points beyond which the frontier is not followed further. */
const MOST_POINTS = 500_000;

/**
 * HAWQ-V2's frontier (NeurIPS 2020, section 3.2): of all choices in which no layer has more bits than one with a larger
 * trace, those that no other beats in both cost and Ω.
 *
 * Layer by layer in the order of the trace, with one list of points for each width that the last layer took. Groups
 * with a single choice have nothing to decide and take no part in the order.
 *
 * @param order indices of the groups, those with the largest trace first
 * @param k which cost
 */
export function monotoneFrontier(groups: readonly Group[], order: readonly number[], k: number): Frontier {
  const free = order.filter(g => groups[g].choices.length > 1);
  const widths = [...new Set(free.flatMap(g => groups[g].choices.map(({ bits }) => bits)))].sort(
    (a, b) => b - a,
  );
  const settled = groups.filter(({ choices }) => choices.length === 1).map(({ choices }) => choices[0]);
  const fixed = {
    cost: settled.reduce((sum, { costs }) => sum + costs[k], 0),
    sensitivity: settled.reduce((sum, { sensitivity }) => sum + sensitivity, 0),
  };
  // Lists by the index of the width; the first layer follows what may be followed by any.
  let lists: (Points | undefined)[] = widths.map((_, w) => (w === 0 ? origin() : undefined));
  const history: (Points | undefined)[][] = [];
  /** Which list each source of a merge was: those that exist, up to the width's own. */
  const before = (all: readonly unknown[], w: number): number[] =>
    all.flatMap((list, v) => (list !== undefined && v <= w ? [v] : []));
  for (const g of free) {
    const previous = lists;
    lists = widths.map((bits, w) => {
      const choice = groups[g].choices.find(c => c.bits === bits);
      const sources = choice ? before(previous, w) : [];
      if (!choice || sources.length === 0) return undefined;
      const option = { cost: choice.costs[k], sensitivity: choice.sensitivity };
      return merge(sources.map(v => ({ points: previous[v]!, option })));
    });
    history.push(lists);
    if (lists.reduce((sum, list) => sum + (list?.cost.length ?? 0), 0) > MOST_POINTS) throw tooMany();
  }
  const ends = before(lists, widths.length);
  const last = merge(
    ends.length > 0
      ? ends.map(v => ({ points: lists[v]!, option: fixed }))
      : [{ points: origin(), option: fixed }],
  );
  const points = Array.from(last.cost, (cost, point) => {
    const picks = groups.map(() => 0);
    let [w, at] = [ends[last.source[point]], last.parent[point]];
    for (let l = free.length - 1; l >= 0; l--) {
      const { choices } = groups[free[l]];
      picks[free[l]] = choices.findIndex(({ bits }) => bits === widths[w]);
      const list = history[l][w]!;
      const from = l > 0 ? before(history[l - 1], w) : [0];
      [w, at] = [from[list.source[at]], list.parent[at]];
    }
    return { cost, sensitivity: last.sensitivity[point], picks };
  });
  return { points, isComplete: true };
}

const tooMany = (): CurvatureError =>
  new CurvatureError(
    'problem-invalid',
    `HAWQ-V2's frontier has more than ${MOST_POINTS} points for so many layers and widths.`,
    "Give fewer widths, or choose by the method 'pareto', which needs no list of all points.",
  );
