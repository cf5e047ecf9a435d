import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paretoFrontier } from '../../../src/engine/allocation/frontier';
import { groupLayers } from '../../../src/engine/allocation/groups';
import { bestWithin } from '../../../src/engine/allocation/bestWithin';
import { type AllocationProblem } from '../../../src/engine/allocation/problem';
import { type Menu } from '../../../src/engine/allocation/points';
import { thinForDisplay } from '../../../src/engine/allocation/thinForDisplay';
import { allChoices, isClose, leastWithin, type Point, randomProblem } from '../../support/allocation';

const menusOf = (problem: AllocationProblem): Menu[] =>
  groupLayers(problem).map(({ choices }) =>
    choices.map(({ sensitivity, costs }) => ({ sensitivity, cost: costs[0] })),
  );

/** Without the dominated; what is better by the rounding of sums only counts as dominated. */
function bruteForce(all: readonly Point[]): { cost: number; sensitivity: number }[] {
  const sorted = all
    .map(({ costs, sensitivity }) => ({ cost: costs[0], sensitivity }))
    .sort((a, b) => a.cost - b.cost || a.sensitivity - b.sensitivity);
  const kept: { cost: number; sensitivity: number }[] = [];
  for (const point of sorted) {
    const last = kept.at(-1);
    if (
      last &&
      (point.sensitivity >= last.sensitivity || isClose(point.sensitivity, last.sensitivity, 1e-12))
    )
      continue;
    if (last && isClose(point.cost, last.cost, 1e-12)) kept.pop();
    kept.push(point);
  }
  return kept;
}

for (const kind of ['bytes', 'real', 'coarse'] as const) {
  for (const tied of [false, true]) {
    test(`equals brute force on 40 problems with ${kind} costs${tied ? ', ties and a pin' : ''}`, () => {
      for (let seed = 0; seed < 40; seed++) {
        const problem = randomProblem(seed, {
          layers: 1 + (seed % 8),
          widths: 4,
          kind,
          tied,
        });
        let menus: Menu[];
        try {
          menus = menusOf(problem);
        } catch {
          continue; // A pin and a tie that contradict each other have no frontier.
        }
        const { points, isComplete } = paretoFrontier(menus, Infinity);
        const expected = bruteForce(allChoices(problem));
        assert.ok(isComplete);
        assert.equal(points.length, expected.length, `seed ${seed}`);
        points.forEach((point, i) => {
          assert.ok(isClose(point.cost, expected[i].cost), `seed ${seed}`);
          assert.ok(isClose(point.sensitivity, expected[i].sensitivity), `seed ${seed}`);
        });
      }
    });
  }
}

test('the best choice under one limit equals brute force on 200 problems, with limits that are just met', () => {
  for (let seed = 0; seed < 200; seed++) {
    const kind = (['bytes', 'real', 'coarse'] as const)[seed % 3];
    const problem = randomProblem(seed, { layers: 1 + (seed % 6), widths: 4, kind });
    const menus = groupLayers(problem).map(({ choices }) => choices);
    const all = allChoices(problem);
    for (const limit of [
      all[(7 * seed) % all.length].costs[0],
      all[(31 * seed) % all.length].costs[0] * 1.001,
    ]) {
      const { picks, gap } = bestWithin(menus, limit);
      const found = picks!.reduce((sum, pick, g) => sum + menus[g][pick].sensitivity, 0);
      assert.ok(gap === 0 && isClose(found, leastWithin(all, [limit])), `seed ${seed}`);
    }
    assert.deepEqual(bestWithin(menus, Math.min(...all.map(({ costs }) => costs[0])) * 0.999), { gap: 0 });
  }
});

test('no layers give one point of nothing', () => {
  assert.deepEqual(paretoFrontier([], 10).points, [{ cost: 0, sensitivity: 0, picks: [] }]);
});

test('three hundred layers of seven widths take a second, and what is shown of them is on the frontier', () => {
  const menus = menusOf(randomProblem(1, { layers: 300, widths: 7, kind: 'bytes' }));
  const start = performance.now();
  const { points, isComplete } = paretoFrontier(menus, 1000);
  assert.ok(performance.now() - start < 10_000);
  assert.ok(!isComplete && points.length > 500 && points.length <= 1000);
  for (let i = 0; i < points.length; i += 100) {
    const costed = menus.map(menu => menu.map(({ sensitivity, cost }) => ({ sensitivity, costs: [cost] })));
    const { picks } = bestWithin(costed, points[i].cost);
    const best = picks!.reduce((sum, pick, m) => sum + menus[m][pick].sensitivity, 0);
    assert.ok(isClose(best, points[i].sensitivity));
  }
});

test('what is displayed keeps the ends and stays within the limit', () => {
  const { points } = paretoFrontier(
    menusOf(randomProblem(12, { layers: 8, widths: 4, kind: 'bytes' })),
    Infinity,
  );
  assert.ok(points.length > 200);
  const shown = thinForDisplay(points, 100);
  assert.ok(shown.length === 100 && shown[0] === 0 && shown[99] === points.length - 1);
  assert.equal(thinForDisplay(points, points.length).length, points.length);
});
