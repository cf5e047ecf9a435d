import { convexPath } from './convexPath';
import { type CostedMenu } from './limits';

/** The least sensitivity of fractions of options whose weighted cost is within an amount; Infinity where there are none. */
export type Relaxed = (room: number) => number;

/**
 * The linear relaxation under one limit, weights · costs ≤ room, which all limits together imply when the weights
 * are not negative. `after(opened)` is the relaxation over all menus but the first `opened`.
 */
export function relaxation(
  menus: readonly CostedMenu[],
  weights: readonly number[],
): { after(opened: number): Relaxed } {
  const weigh = (costs: readonly number[]): number =>
    costs.reduce((sum, cost, k) => sum + cost * weights[k], 0);
  const weighed = menus.map(menu =>
    menu.map(({ sensitivity, costs }) => ({ sensitivity, cost: weigh(costs) })),
  );
  const { start, steps } = convexPath(weighed);
  return {
    after(opened) {
      const open = steps.filter(({ menu }) => menu >= opened);
      const cost = new Float64Array(open.length + 1);
      const sensitivity = new Float64Array(open.length + 1);
      for (let menu = opened; menu < menus.length; menu++) {
        cost[0] += weighed[menu][start[menu]].cost;
        sensitivity[0] += weighed[menu][start[menu]].sensitivity;
      }
      open.forEach((step, i) => {
        cost[i + 1] = cost[i] + step.cost;
        sensitivity[i + 1] = sensitivity[i] + step.sensitivity;
      });
      return room => {
        // The sums of weighed costs are rounded: a bound may be a little low, never too high.
        if (room < cost[0] * (1 - 1e-12)) return Infinity;
        let low = 0;
        let high = open.length;
        while (low < high) {
          const middle = (low + high) >>> 1;
          if (cost[middle + 1] <= room) low = middle + 1;
          else high = middle;
        }
        if (low === open.length) return sensitivity[low];
        return sensitivity[low] - Math.max(0, room - cost[low]) * open[low].rate;
      };
    },
  };
}
