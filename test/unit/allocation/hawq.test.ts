import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { answer } from '../../../src/engine/allocation/answer';
import { parseBudget } from '../../../src/engine/allocation/budget';
import { type AllocationProblem } from '../../../src/engine/allocation/problem';
import { isClose, randomProblem, allChoices } from '../../support/allocation';

interface Published {
  layers: number;
  ties: [number, number][];
  averageTrace: number[];
  perturbation4: number[];
  perturbation8: number[];
  sizeInt8MB: number[];
  fp32Bops: number[];
  latencyInt4Ms: number[];
  latencyInt8Ms: number[];
  optimal: { constraint: string; fraction: number; limit: number; bits: string; objective: number }[];
}

const hawq = JSON.parse(readFileSync('test/fixtures/allocation/hawqV3Resnet50.json', 'utf8')) as Published;
const name = (l: number): string => `layer ${l}`;
const problem: AllocationProblem = {
  layers: hawq.averageTrace.map((averageTrace, l) => ({
    name: name(l),
    averageTrace,
    choices: [4, 8].map(bits => ({
      bits,
      sensitivity: averageTrace * (bits === 4 ? hawq.perturbation4 : hawq.perturbation8)[l],
      costs: {
        size: (hawq.sizeInt8MB[l] * bits) / 8,
        bops: (hawq.fp32Bops[l] * bits ** 2) / 1024,
        latency: (bits === 4 ? hawq.latencyInt4Ms : hawq.latencyInt8Ms)[l],
      },
    })),
  })),
  ties: hawq.ties.map(tie => tie.map(name)),
  pins: {},
};
const options = { method: 'hawq-v3', seed: 0, draws: 0 } as const;
const allAt4 = problem.layers.reduce((sum, { choices }) => sum + choices[0].sensitivity, 0);

for (const { constraint, fraction, limit, bits, objective } of hawq.optimal) {
  test(`HAWQ-V3's ResNet50 under ${100 * fraction} % of ${constraint}`, async () => {
    // By the published limit, and by the rule that makes it.
    for (const budget of [`${constraint}=${limit}`, `${constraint}=${100 * fraction}%`]) {
      const found = await answer(problem, [parseBudget(budget)], options);
      assert.equal(Object.values(found.bits).join(''), bits);
      assert.ok(isClose(found.objective - allAt4, objective, 1e-12));
      assert.deepEqual([found.feasible, found.binding], [true, [constraint]]);
      assert.ok(isClose(found.budgets[0].limit, limit, 1e-12));
    }
  });
}

test('HAWQ-V2 gives no layer more bits than one with a larger trace, and finds the best such choice', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = randomProblem(seed, { layers: 5, widths: 4, kind: 'bytes' });
    const layers = random.layers.map((layer, l) => ({ ...layer, averageTrace: ((l + seed) * 7) % 5 }));
    const order = layers.map((_, l) => l).sort((a, b) => layers[b].averageTrace - layers[a].averageTrace);
    const sorted = { ...random, layers: order.map(l => layers[l]) };
    const found = await answer({ ...random, layers }, [parseBudget('50%')], {
      ...options,
      method: 'hawq-v2',
    });
    const widths = sorted.layers.map(layer => found.bits[layer.name]);
    assert.deepEqual(
      widths,
      [...widths].sort((a, b) => b - a),
    );
    let best = Infinity;
    const visit = (l: number, most: number, cost: number, sum: number): void => {
      if (l === sorted.layers.length) {
        if (cost <= found.budgets[0].limit) best = Math.min(best, sum);
        return;
      }
      for (const { bits, costs, sensitivity } of sorted.layers[l].choices)
        if (bits <= most) visit(l + 1, bits, cost + costs.bytes, sum + sensitivity);
    };
    visit(0, Infinity, 0, 0);
    assert.ok(isClose(found.objective, best), `seed ${seed}`);
  }
});

test('stability is that of the redraws, seeded, and certain where errors are small', async () => {
  const random = randomProblem(2, { layers: 6, widths: 4, kind: 'bytes' });
  const withErrors = (share: number): AllocationProblem => ({
    ...random,
    layers: random.layers.map(layer => ({
      ...layer,
      choices: layer.choices.map(choice => ({ ...choice, stderr: share * choice.sensitivity })),
    })),
  });
  const ask = (share: number, seed: number) =>
    answer(withErrors(share), [parseBudget('0.5')], { method: 'pareto', seed, draws: 100 });
  const [a, again, other, sure, exact] = [
    await ask(0.5, 1),
    await ask(0.5, 1),
    await ask(0.5, 2),
    await ask(1e-9, 1),
    await ask(0, 1),
  ];
  assert.deepEqual(a.stability, again.stability);
  assert.notDeepEqual(a.stability, other.stability);
  assert.ok(Object.values(a.stability!).some(share => share < 1));
  assert.ok(Object.values(sure.stability!).every(share => share === 1));
  assert.equal(exact.stability, undefined);
  assert.ok(allChoices(random).length > 0);
});
