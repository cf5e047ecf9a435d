import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomWithin } from '../../../src/engine/allocation/randomWithin';
import { Rng } from '../../../src/engine/util/rng';

const costs = [
  [10, 40, 20],
  [5, 10, 20],
  [7, 14, 28],
];
const menus = costs.map(menu => menu.map(cost => ({ sensitivity: 0, costs: [cost] })));
const total = (picks: readonly number[]): number => picks.reduce((sum, p, m) => sum + costs[m][p], 0);

test('random picks fill the limit: none can be made dearer by a step, and many differ', () => {
  const found = new Set<string>();
  for (let k = 0; k < 200; k++) {
    const picks = randomWithin(menus, 50, Rng.of(k, 'random test'));
    found.add(picks.join());
    assert.ok(total(picks) <= 50);
    picks.forEach((pick, m) => {
      const dearer = costs[m].filter(cost => cost > costs[m][pick]);
      const next = Math.min(...dearer);
      assert.ok(total(picks) - costs[m][pick] + next > 50, `${picks.join()} could take more`);
    });
  }
  assert.ok(found.size >= 3, `${found.size} different picks`);
  assert.deepEqual(randomWithin(menus, 50, Rng.of(1, 'x')), randomWithin(menus, 50, Rng.of(1, 'x')));
});

test('below the cheapest picks there are none but these', () => {
  assert.deepEqual(randomWithin(menus, 3, Rng.of(0, 'x')), [0, 0, 0]);
});
