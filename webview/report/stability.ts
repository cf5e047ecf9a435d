import type { Plan } from './plan';

/** As many redraws, with the seed, as `curvature allocate` makes unless told otherwise. */
const DRAWS = 200;
const SEED = 0;
/** How long the widths must have stood still, and how long the page may be kept busy at a time. */
const QUIET_MS = 200;
const SLICE_MS = 8;

export interface Stability {
  /** Share of the draws in which each layer keeps its width, in the order of the layers; undefined while unknown. */
  readonly kept: readonly number[] | undefined;
  /** Follows the plan; `onReady` runs once the shares are there. */
  follow(plan: Plan | undefined): void;
}

/** How often layers keep their widths when their sensitivities are redrawn from their errors, found between other work. */
export function stability(onReady: () => void): Stability {
  let kept: number[] | undefined;
  let shown = '';
  let pending: ReturnType<typeof setTimeout> | undefined;

  function work(plan: Plan, counts: number[], from: number): void {
    const until = performance.now() + SLICE_MS;
    let draw = from;
    for (; draw < DRAWS && performance.now() < until; draw++) {
      plan.allocation
        .redrawn(plan.limit, SEED, draw)
        .forEach((bits, l) => (counts[l] = (counts[l] ?? 0) + Number(bits === plan.bits[l])));
    }
    if (draw < DRAWS) {
      pending = setTimeout(() => work(plan, counts, draw), 0);
      return;
    }
    kept = counts.map(count => count / DRAWS);
    onReady();
  }

  return {
    get kept() {
      return kept;
    },
    follow(plan) {
      const key = JSON.stringify(plan && [plan.limit, plan.choices, plan.bits]);
      if (key === shown) return;
      shown = key;
      kept = undefined;
      clearTimeout(pending);
      if (!plan?.feasible || !plan.allocation.hasErrors) return;
      pending = setTimeout(() => work(plan, [], 0), QUIET_MS);
    },
  };
}
