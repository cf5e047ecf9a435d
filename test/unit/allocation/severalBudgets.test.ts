import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateFile } from '../../../src/engine/analysis/allocate';
import { answer } from '../../../src/engine/allocation/answer';
import { bestWithinAll } from '../../../src/engine/allocation/bestWithinAll';
import { groupLayers } from '../../../src/engine/allocation/groups';
import { loadHighs } from '../../../src/engine/allocation/highs';
import { solveInteger } from '../../../src/engine/allocation/integerProgram';
import { nearestPicks } from '../../../src/engine/allocation/nearest';
import { sampleReport } from '../../support/report';
import { allChoices, isClose, leastWithin, randomProblem } from '../../support/allocation';

const costs = ['bytes', 'latency'];

test('two limits, by the search and by HiGHS alone, equal brute force on 120 problems', async () => {
  const highs = await loadHighs();
  for (let seed = 0; seed < 120; seed++) {
    const kind = (['bytes', 'real', 'coarse'] as const)[seed % 3];
    const problem = randomProblem(seed, { layers: 1 + (seed % 6), widths: 4, kind, costs });
    const menus = groupLayers(problem).map(({ choices }) => choices);
    const all = allChoices(problem);
    const [a, b] = [all[(7 * seed) % all.length], all[(31 * seed) % all.length]];
    const limits = [a.costs[0], b.costs[1]];
    const least = leastWithin(all, limits);
    for (const found of [
      await bestWithinAll(menus, limits),
      solveInteger(highs, { menus, limits }, { gap: 1 }),
    ]) {
      const objective =
        found.picks?.reduce((sum, pick, g) => sum + menus[g][pick].sensitivity, 0) ?? Infinity;
      assert.ok(found.gap === 0 && isClose(objective, least), `seed ${seed}: ${objective}, ${least}`);
    }
  }
});

test('limits that can not be met get the choice that passes them least, by name', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const problem = randomProblem(seed, { layers: 1 + (seed % 5), widths: 4, kind: 'real', costs });
    const all = allChoices(problem);
    const least = [0, 1].map(k => Math.min(...all.map(point => point.costs[k])));
    const limits = [least[0] * (seed % 2 ? 0.9 : 1.01), least[1] * 1.01];
    if (leastWithin(all, limits) < Infinity) continue;
    const found = await answer(
      problem,
      limits.map((value, k) => ({ cost: costs[k], amount: { kind: 'limit', value } })),
      { method: 'pareto', seed: 0, draws: 0 },
    );
    const violation = Math.min(
      ...all.map(p => Math.max(...limits.map((limit, k) => p.costs[k] / limit - 1))),
    );
    assert.equal(found.feasible, false);
    assert.ok(isClose(found.nearest!.violation, violation, 1e-6), `seed ${seed}`);
    const broken = costs.filter((name, k) => found.costs[name] > limits[k] * (1 + 1e-12));
    assert.deepEqual(found.binding, broken);
    const best = leastWithin(
      all,
      limits.map(limit => limit * (1 + found.nearest!.violation)),
    );
    assert.ok(isClose(found.objective, best), `seed ${seed}`);
  }
});

test('three hundred layers of seven widths under two limits', async () => {
  await loadHighs();
  const problem = randomProblem(5, { layers: 300, widths: 7, kind: 'bytes', costs });
  const menus = groupLayers(problem).map(({ choices }) => choices);
  const share = (k: number): number => menus.reduce((sum, menu) => sum + menu[2].costs[k], 0);
  const start = performance.now();
  const { picks, gap } = await bestWithinAll(menus, [share(0), share(1)]);
  const seconds = (performance.now() - start) / 1000;
  assert.ok(picks && gap === 0);
  // A second on an idle machine.
  assert.ok(seconds < 5, `${seconds} s`);
});

test('three hundred layers under two limits that can not be met together', async () => {
  const problem = randomProblem(6, { layers: 300, widths: 7, kind: 'real', costs });
  const menus = groupLayers(problem).map(({ choices }) => choices);
  const sum = (of: (costs: readonly number[]) => number): number =>
    menus.reduce((total, menu) => total + Math.min(...menu.map(option => of(option.costs))), 0);
  // Each can be met alone.
  const limits = [0, 1].map(k => 1.001 * sum(c => c[k]));
  const start = performance.now();
  const { violation } = await nearestPicks(menus, limits);
  const seconds = (performance.now() - start) / 1000;
  // However the limits are weighed, no choice passes their weighed mean by less than the layers' own least do.
  const weights = Array.from({ length: 1001 }, (_, i) => i / 1000);
  const bounds = weights.map(w => sum(c => (w * c[0]) / limits[0] + ((1 - w) * c[1]) / limits[1]) - 1);
  const bound = Math.max(...bounds);
  // The bound is of fractions of options, of which there are two layers' at most.
  assert.ok(violation >= bound && violation < bound + 4 / 300, `${violation}, at least ${bound}`);
  // Two on an idle machine.
  assert.ok(seconds < 20, `${seconds} s`);
});

test('a report answers for the layers with a sensitivity, under any cost that it holds', async () => {
  const report = sampleReport();
  const layers = report.layers.map(layer => ({ ...layer, costs: { latency: { '4': 1, '8': 3 } } }));
  const found = await allocateFile(JSON.stringify({ ...report, layers }), {
    ...{ method: 'pareto', seed: 0, draws: 20, ties: [], pins: {} },
    budgets: ['latency=4ms', '560B'],
  });
  assert.deepEqual(found.bits, { 'features.conv1.weight': 4, 'fc, "last"': 8 });
  assert.deepEqual(found.costs, { bytes: 428, latency: 4 });
  assert.deepEqual([found.binding, found.draws], [['latency'], 20]);
});
