import type { Rng } from '../util/rng';
import { type CostedMenu, within } from './limits';

/**
 * Picks drawn at random that fill a limit on the first cost: from uniform picks, options of random menus get cheaper until all fit,
 * and then dearer as long as any does. The cheapest picks where even they are above the limit.
 */
export function randomWithin(menus: readonly CostedMenu[], limit: number, random: Rng): number[] {
  const byCost = menus.map(menu =>
    menu.map((_, option) => option).sort((a, b) => menu[a].costs[0] - menu[b].costs[0]),
  );
  const places = byCost.map(order => random.below(order.length));
  const costAt = (m: number, place: number): number => menus[m][byCost[m][place]].costs[0];
  const total = (): number => places.reduce((sum, place, m) => sum + costAt(m, place), 0);
  const move = (step: 1 | -1, allowed: (m: number) => boolean): boolean => {
    const movable = places.flatMap((place, m) =>
      byCost[m][place + step] !== undefined && allowed(m) ? [m] : [],
    );
    if (movable.length === 0) return false;
    places[movable[random.below(movable.length)]] += step;
    return true;
  };
  while (!within(total(), limit) && move(-1, () => true));
  for (;;) {
    const now = total();
    const fits = (m: number): boolean => within(now - costAt(m, places[m]) + costAt(m, places[m] + 1), limit);
    if (!move(1, fits)) return places.map((place, m) => byCost[m][place]);
  }
}
