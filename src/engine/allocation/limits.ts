/** One width that a layer, or layers tied together, could take, with each cost that is limited. */
export interface CostedOption {
  readonly sensitivity: number;
  readonly costs: readonly number[];
}

/** At least one option, of which one is picked. */
export type CostedMenu = readonly CostedOption[];

/**
 * A total may pass its limit by this share of it: the rounding of decimals that were added up in float64, by
 * us or by who wrote the limit. Whole numbers below 10¹² are compared exactly.
 */
const ROUNDING = 1e-12;

export const within = (total: number, limit: number): boolean => total <= limit + ROUNDING * Math.abs(limit);

/** What the picked options cost together. */
export const totalOf = (menus: readonly CostedMenu[], picks: readonly number[], k: number): number =>
  picks.reduce((sum, option, menu) => sum + menus[menu][option].costs[k], 0);

export const isWithin = (
  menus: readonly CostedMenu[],
  picks: readonly number[],
  limits: readonly number[],
): boolean => limits.every((limit, k) => within(totalOf(menus, picks, k), limit));

/**
 * The same with whole numbers as costs and limits, below 2⁵³ in all sums that matter, so that sums don't depend on
 * the order of their terms and equal ones are seen to be equal. Costs that are whole stay as they are; others are
 * counted in units of limit · 2⁻⁵², which is finer than what `within` lets pass.
 */
export function inWholeUnits(
  menus: readonly CostedMenu[],
  limits: readonly number[],
): { menus: CostedMenu[]; limits: number[] } {
  const units = limits.map((limit, k) => {
    const areWhole = menus.every(menu => menu.every(({ costs }) => Number.isInteger(costs[k])));
    return areWhole && limit < 2 ** 52 ? 1 : limit / 2 ** 52;
  });
  const count = (cost: number, unit: number): number =>
    unit > 0 ? Math.round(cost / unit) : Math.sign(cost);
  return {
    menus: menus.map(menu =>
      menu.map(({ sensitivity, costs }) => ({
        sensitivity,
        costs: units.map((unit, k) => count(costs[k], unit)),
      })),
    ),
    limits: limits.map((limit, k) => (units[k] > 0 ? Math.floor((limit * (1 + ROUNDING)) / units[k]) : 0)),
  };
}
