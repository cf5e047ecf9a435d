import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePoint } from '../../../src/engine/allocation/choose';
import { type Frontier, paretoFrontier } from '../../../src/engine/allocation/frontier';
import { type AllocationProblem } from '../../../src/engine/allocation/problem';
import { thinForDisplay } from '../../../src/engine/allocation/thinForDisplay';
import { Rng } from '../../../src/engine/util/rng';

type Point = { bytes: number; sensitivity: number; bits: number[] };

/** All combinations, without the dominated ones; sums run over the layers in order, as the frontier's do. */
function bruteForce(problem: AllocationProblem): Point[] {
  let all: Point[] = [{ bytes: 0, sensitivity: 0, bits: [] }];
  for (const { choices } of problem) {
    all = all.flatMap(point =>
      choices.map(choice => ({
        bytes: point.bytes + choice.bytes,
        sensitivity: point.sensitivity + choice.sensitivity,
        bits: [...point.bits, choice.bits],
      })),
    );
  }
  all.sort((a, b) => a.bytes - b.bytes || a.sensitivity - b.sensitivity);
  let least = Infinity;
  return all.filter(({ sensitivity }) => sensitivity < least && ((least = sensitivity), true));
}

/** Random layers; `coarse` ones share sizes and sensitivities, so that ties abound. */
function randomProblem(seed: number, layers: number, coarse: boolean, allWidths = false): AllocationProblem {
  const random = Rng.of(seed, 'problem');
  return Array.from({ length: layers }, (_, l) => {
    const parameters = coarse ? 8 * (1 + random.below(3)) : 8 * (1 + random.below(1000));
    const trace = coarse ? 1 + random.below(2) : Math.exp(4 * random.normal());
    const widths = [2, 3, 4, 8].slice(0, allWidths ? 4 : 1 + random.below(4));
    return {
      name: `layer ${l}`,
      parameters,
      // A little noise makes some layers more sensitive at more bits, as a real quantizer can.
      choices: widths.map(bits => ({
        bits,
        bytes: (parameters * bits) / 8,
        sensitivity: trace * 4 ** -bits * (coarse ? 1 : 1 + 20 * random.uniform()),
      })),
    };
  });
}

const pointsOf = (frontier: Frontier): Point[] =>
  Array.from({ length: frontier.size }, (_, i) => ({
    bytes: frontier.bytes[i],
    sensitivity: frontier.sensitivity[i],
    bits: frontier.bits(i),
  }));

const totals = (problem: AllocationProblem, bits: readonly number[]): [number, number] => {
  const chosen = problem.map((layer, l) => layer.choices.find(c => c.bits === bits[l]) ?? assert.fail());
  return [chosen.reduce((sum, c) => sum + c.bytes, 0), chosen.reduce((sum, c) => sum + c.sensitivity, 0)];
};

for (const coarse of [false, true]) {
  test(`equals brute force on 100 ${coarse ? 'problems full of ties' : 'random problems'}`, () => {
    for (let seed = 0; seed < 100; seed++) {
      const problem = randomProblem(seed, 1 + (seed % 8), coarse);
      const frontier = paretoFrontier(problem);
      const expected = bruteForce(problem).map(({ bytes, sensitivity }) => [bytes, sensitivity]);
      const points = pointsOf(frontier);
      assert.deepEqual(
        points.map(p => [p.bytes, p.sensitivity]),
        expected,
        `seed ${seed}`,
      );
      assert.equal(frontier.gap, 0);
      // The bits are checked by what they add up to, as ties leave more than one right answer.
      for (const point of points)
        assert.deepEqual(totals(problem, point.bits), [point.bytes, point.sensitivity]);
    }
  });
}

test('no layers give one point of nothing', () => {
  assert.deepEqual(pointsOf(paretoFrontier([])), [{ bytes: 0, sensitivity: 0, bits: [] }]);
});

test('a thinned frontier keeps its promise on the gap, the ends and the choices behind its points', () => {
  let thinned = 0;
  for (let seed = 0; seed < 30; seed++) {
    const problem = randomProblem(seed, 8, false);
    const exact = paretoFrontier(problem);
    const rough = paretoFrontier(problem, 20);
    assert.ok(rough.size <= 20);
    if (rough.gap > 0) thinned += 1;
    assert.equal(rough.bytes[0], exact.bytes[0]);
    for (let i = 0; i < exact.size; i++) {
      const { point, feasible } = choosePoint(rough, exact.bytes[i]);
      assert.ok(feasible);
      const limit = (1 + rough.gap) * exact.sensitivity[i] * (1 + 1e-12);
      assert.ok(rough.sensitivity[point] <= limit, `seed ${seed}: ${rough.sensitivity[point]} > ${limit}`);
    }
    for (const point of pointsOf(rough))
      assert.deepEqual(totals(problem, point.bits), [point.bytes, point.sensitivity]);
  }
  assert.ok(thinned > 10, `only ${thinned} were thinned`);
});

test('sixty layers of four widths take a few seconds at most, and thinning costs little', () => {
  const problem = Array.from({ length: 60 }, (_, l) => randomProblem(l + 1000, 1, false, true)[0]);
  const start = performance.now();
  const frontier = paretoFrontier(problem);
  const seconds = (performance.now() - start) / 1000;
  assert.ok(seconds < 10, `${seconds} s`);
  assert.ok(frontier.size > 1000 && frontier.gap < 0.01, `${frontier.size} points, gap ${frontier.gap}`);
});

test('the least sensitive point within the budget is chosen', () => {
  const problem = randomProblem(3, 7, false);
  const points = bruteForce(problem);
  const frontier = paretoFrontier(problem);
  for (const budget of [points[0].bytes, points[5].bytes + 0.5, points[9].bytes - 1, 1e12]) {
    const best = points
      .filter(p => p.bytes <= budget)
      .reduce((a, b) => (b.sensitivity < a.sensitivity ? b : a));
    const chosen = choosePoint(frontier, budget);
    assert.deepEqual([chosen.feasible, chosen.message], [true, undefined]);
    assert.deepEqual(frontier.bits(chosen.point), best.bits);
  }
});

test('a budget that is too small gets the smallest point, and is told which limit it breaks', () => {
  const frontier = paretoFrontier(randomProblem(3, 7, false));
  const chosen = choosePoint(frontier, frontier.bytes[0] - 0.5);
  assert.deepEqual([chosen.point, chosen.feasible], [0, false]);
  assert.match(
    chosen.message ?? '',
    new RegExp(`smallest bit width the weights take ${frontier.bytes[0]} bytes`),
  );
});

/** The least sensitivity that a mixture of points reaches at some size: what the hull shows. */
function hullHeight(points: readonly { bytes: number; sensitivity: number }[], bytes: number): number {
  let least = Infinity;
  for (const a of points) {
    for (const b of points) {
      if (a.bytes === bytes) least = Math.min(least, a.sensitivity);
      if (!(a.bytes < bytes && b.bytes > bytes)) continue;
      const share = (bytes - a.bytes) / (b.bytes - a.bytes);
      least = Math.min(least, a.sensitivity + share * (b.sensitivity - a.sensitivity));
    }
  }
  return least;
}

test('what is displayed keeps the ends, the hull and the chosen point, up to the limit', () => {
  const frontier = paretoFrontier(randomProblem(12, 8, false, true));
  const all = pointsOf(frontier);
  assert.ok(all.length >= 200, `${all.length}`);
  const chosen = 77;
  const shown = thinForDisplay(frontier, 100, chosen);
  assert.ok(shown.length === 100, `${shown.length}`);
  assert.deepEqual(
    shown,
    [...new Set(shown)].sort((a, b) => a - b),
  );
  assert.ok(shown.includes(0) && shown.includes(all.length - 1) && shown.includes(chosen));
  const kept = shown.map(i => all[i]);
  for (const { bytes } of all) {
    const [full, thin] = [hullHeight(all, bytes), hullHeight(kept, bytes)];
    assert.ok(thin <= full * (1 + 1e-9), `${bytes}: ${thin} > ${full}`);
  }
});

test('a small frontier is shown whole, and a tiny limit is kept', () => {
  const frontier = paretoFrontier(randomProblem(12, 8, false, true));
  assert.equal(thinForDisplay(frontier, frontier.size).length, frontier.size);
  const few = thinForDisplay(frontier, 5, 50);
  assert.ok(few.length === 5 && [0, 50, frontier.size - 1].every(i => few.includes(i)), few.join(' '));
});
