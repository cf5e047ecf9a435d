import { type CostedMenu } from './limits';
import { relaxation } from './relaxation';

export interface Search {
  /** The index of the option picked in each menu; absent where none was found within the limits. */
  readonly picks?: readonly number[];
  /** 0 where the search was finished. Else no picks are less sensitive than the ones found by more than this. */
  readonly gap: number;
}

/** Options beyond the best of each menu that the first window holds. */
const FIRST_OPTIONS = 40;
const WIDER = 1.5;
/** Partial choices after one menu beyond which a window is taken for too wide, at first and at last. */
const FIRST_CROWD = 4000;
const LAST_CROWD = FIRST_CROWD * 4 ** 3;
/** Widths closer than this are one width. */
const NEARLY = 1.02;

/** Partial choices over the menus opened so far, column by column. */
interface Partial {
  readonly size: number;
  readonly sensitivity: Float64Array;
  readonly costs: readonly Float64Array[];
  readonly parent: Uint32Array;
  readonly option: Uint16Array;
}

/**
 * The least sensitive picks whose costs are all within their limits, by enumeration within a window.
 *
 * With prices λ ≥ 0 on the costs, the sum of each menu's least sensitivity + λ · costs, less λ · limits, is a lower
 * bound, and picks lie above it by what their options lose against that least. So picks can beat the best ones
 * known only with options that lose less than those lie above the bound (Balas & Zemel, Operations Research 28,
 * 1980). Windows are widened until one has held all of them.
 *
 * In a window partial choices are extended menu by menu, those with the largest steps first. What is left over is
 * fine-grained then, so that its linear relaxation is a sharp bound, and few partial choices live on: each is
 * bounded under several mixtures of the limits.
 *
 * @param menus with whole costs
 * @param prices any, though the linear program's make the first bound sharp
 */
export function searchWindows(
  menus: readonly CostedMenu[],
  limits: readonly number[],
  prices: readonly number[],
): Search {
  const priced = menus.map(menu =>
    menu.map(({ sensitivity, costs }) => costs.reduce((sum, cost, k) => sum + prices[k] * cost, sensitivity)),
  );
  const base = priced.map(values => values.indexOf(Math.min(...values)));
  const bound =
    base.reduce((sum, option, m) => sum + priced[m][option], 0) -
    limits.reduce((sum, limit, k) => sum + prices[k] * limit, 0);
  const losses = priced.map((values, m) => values.map(value => value - values[base[m]]));
  const sorted = losses.flat().sort((a, b) => a - b);
  const widest = losses.reduce((sum, values) => sum + Math.max(...values), 0) * (1 + 1e-9);

  const weights = mixtures(prices);
  const best: Best = { sensitivity: Infinity, picks: undefined };
  let width = sorted[Math.min(menus.length + FIRST_OPTIONS, sorted.length) - 1];
  let searched = 0;
  for (let crowd = FIRST_CROWD; ;) {
    const options = losses.map(values => values.flatMap((loss, i) => (loss <= width ? [i] : [])));
    const window = { menus, limits, prices, weights, base, options, most: bound + width };
    const isSearched = searchWindow(window, crowd, best);
    const needed = best.sensitivity - bound;
    let next = (searched + width) / 2;
    if (isSearched) {
      if (needed <= width || width >= widest) return { picks: best.picks, gap: 0 };
      searched = width;
      next = width > 0 ? WIDER * width : widest;
    } else if (width <= NEARLY * searched || searched === 0) {
      if (crowd >= LAST_CROWD) return { picks: best.picks, gap: needed - searched };
      crowd *= 4;
      next = width;
    }
    width = Math.min(next, needed * (1 + 1e-9));
  }
}

interface Best {
  sensitivity: number;
  picks: readonly number[] | undefined;
}

interface Window {
  readonly menus: readonly CostedMenu[];
  readonly limits: readonly number[];
  readonly prices: readonly number[];
  readonly weights: readonly (readonly number[])[];
  /** The option of each menu that is best at the prices. */
  readonly base: readonly number[];
  /** The options of each menu that lie in the window. */
  readonly options: readonly (readonly number[])[];
  /** The sensitivity up to which picks are looked for. */
  readonly most: number;
}

/** Weights of the limits: the prices, and the prices with one of the limits faded out. */
function mixtures(prices: readonly number[]): number[][] {
  if (prices.length === 1) return [[1]];
  const faded = prices.flatMap((_, k) =>
    [0, 0.3, 0.6, 0.8, 0.9, 0.95].map(share => prices.map((price, j) => (j === k ? share * price : price))),
  );
  const alone = prices.map((_, k) => prices.map((_, j) => Number(j === k)));
  return [[...prices], ...faded, ...alone].filter(weights => weights.some(weight => weight > 0));
}

/** Improves on the best picks; true where none in the window are better, false where it is too crowded to tell. */
function searchWindow(window: Window, crowd: number, best: Best): boolean {
  const { menus, limits, prices, weights, base, options, most } = window;
  const order = options
    .flatMap((from, menu) => (from.length > 1 ? [menu] : []))
    .map(menu => ({ menu, from: options[menu], span: span(menus[menu], options[menu], prices) }))
    .sort((a, b) => b.span - a.span);
  const settled = base
    .map((option, menu) => ({ option, menu }))
    .filter(({ menu }) => options[menu].length < 2);
  const opened = order.map(({ menu, from }) => from.map(option => menus[menu][option]));
  const relaxations = weights.map(w => relaxation(opened, w));
  const completions = completionsOf(
    order.map(({ menu }) => menus[menu][base[menu]]),
    limits.length,
  );

  let partial: Partial = {
    size: 1,
    sensitivity: Float64Array.of(settled.reduce((sum, s) => sum + menus[s.menu][s.option].sensitivity, 0)),
    costs: limits.map((_, k) =>
      Float64Array.of(settled.reduce((sum, s) => sum + menus[s.menu][s.option].costs[k], 0)),
    ),
    parent: new Uint32Array(1),
    option: new Uint16Array(1),
  };
  const history: Partial[] = [];
  const consider = (depth: number): void => {
    const rest = completions[depth];
    for (let p = 0; p < partial.size; p++) {
      const sensitivity = partial.sensitivity[p] + rest.sensitivity;
      if (!(sensitivity < best.sensitivity)) continue;
      if (limits.some((limit, k) => partial.costs[k][p] + rest.costs[k] > limit)) continue;
      best.sensitivity = sensitivity;
      const picks = [...base];
      for (let d = depth - 1, at = p; d >= 0; d--) {
        picks[order[d].menu] = order[d].from[history[d].option[at]];
        at = history[d].parent[at];
      }
      best.picks = picks;
    }
  };
  consider(0);
  for (let depth = 0; depth < order.length && partial.size > 0; depth++) {
    const bounds = relaxations.map(relaxed => relaxed.after(depth + 1));
    partial = extend(partial, opened[depth], (sensitivity, costs) => {
      for (let w = 0; w < bounds.length; w++) {
        let room = 0;
        for (let k = 0; k < limits.length; k++) room += weights[w][k] * (limits[k] - costs[k]);
        const least = sensitivity + bounds[w](room);
        if (!(least < best.sensitivity && least <= most)) return false;
      }
      return true;
    });
    history.push(partial);
    consider(depth + 1);
    if (partial.size > crowd) return false;
  }
  return true;
}

/** How far the options of a menu lie apart, at the prices. */
const span = (menu: CostedMenu, from: readonly number[], prices: readonly number[]): number =>
  Math.max(
    ...prices.map((price, k) => {
      const costs = from.map(option => menu[option].costs[k]);
      return price * (Math.max(...costs) - Math.min(...costs));
    }),
  );

/** For each depth, what the menus from there on add when each takes its base. */
function completionsOf(
  bases: readonly CostedMenu[number][],
  limits: number,
): { sensitivity: number; costs: number[] }[] {
  const completions = [{ sensitivity: 0, costs: new Array<number>(limits).fill(0) }];
  for (const { sensitivity, costs } of [...bases].reverse()) {
    const [next] = completions;
    completions.unshift({
      sensitivity: next.sensitivity + sensitivity,
      costs: next.costs.map((cost, k) => cost + costs[k]),
    });
  }
  return completions;
}

/** Each partial choice with each option that is worth it. Of those that cost the same only the least sensitive stays. */
function extend(
  partial: Partial,
  menu: CostedMenu,
  isWorthIt: (sensitivity: number, costs: readonly number[]) => boolean,
): Partial {
  const found: { sensitivity: number; costs: readonly number[]; parent: number; option: number }[] = [];
  const costs = partial.costs.map(() => 0);
  for (let parent = 0; parent < partial.size; parent++) {
    for (let option = 0; option < menu.length; option++) {
      const sensitivity = partial.sensitivity[parent] + menu[option].sensitivity;
      for (let k = 0; k < costs.length; k++) costs[k] = partial.costs[k][parent] + menu[option].costs[k];
      if (isWorthIt(sensitivity, costs)) found.push({ sensitivity, costs: [...costs], parent, option });
    }
  }
  found.sort((a, b) => {
    const k = a.costs.findIndex((cost, k) => cost !== b.costs[k]);
    return k < 0 ? a.sensitivity - b.sensitivity : a.costs[k] - b.costs[k];
  });
  let least = Infinity;
  const kept = found.filter(({ sensitivity, costs }, i) => {
    // Under one limit a choice that costs more has to be better; under several only equals are compared.
    const isNew = costs.length > 1 && costs.some((cost, k) => cost !== found[i - 1]?.costs[k]);
    if (!isNew && sensitivity >= least) return false;
    least = sensitivity;
    return true;
  });
  return {
    size: kept.length,
    sensitivity: Float64Array.from(kept, s => s.sensitivity),
    costs: partial.costs.map((_, k) => Float64Array.from(kept, s => s.costs[k])),
    parent: Uint32Array.from(kept, s => s.parent),
    option: Uint16Array.from(kept, s => s.option),
  };
}
