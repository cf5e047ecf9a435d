import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer } from '../../../src/engine/allocation/answer';
import { parseBudget } from '../../../src/engine/allocation/budget';
import { type AllocationProblem } from '../../../src/engine/allocation/problem';
import { undecided } from '../../../src/engine/analysis/decisions';
import { reallocation } from '../../../src/engine/analysis/reallocate';
import { FLOAT32, problemOf } from '../../../src/engine/analysis/reportProblem';
import type { LayerReport } from '../../../src/engine/report/schema';
import { Rng } from '../../../src/engine/util/rng';
import { allChoices, isClose } from '../../support/allocation';
import { curvatureError } from '../../support/assertions';
import { aLayer } from '../../support/vscode/reports';

/** Layers of many sizes and sensitivities, with a layer between them that takes no part. */
function layersOf(count: number, seed: number): LayerReport[] {
  const random = Rng.of(seed, 'layers');
  const layers = Array.from({ length: count }, (_, l) => {
    const parameters = 16 + random.below(2000);
    const sizeBytes = Object.fromEntries(
      [2, 3, 4, 8].map(bits => [bits, Math.ceil((parameters * bits) / 8) + 32]),
    );
    return aLayer(`layer ${l}`, Math.exp(3 * random.normal()), 4, { parameters, sizeBytes });
  });
  const unreached = aLayer('unreached', 0, 4, { status: 'not-reached', sensitivity: {}, bits: null });
  return [...layers.slice(0, 1), unreached, ...layers.slice(1)];
}

/** What every choice costs, with float32 for the layers that are pinned to it. */
function bruteForce(
  layers: readonly LayerReport[],
  { pins, ties }: Pick<AllocationProblem, 'pins' | 'ties'>,
) {
  const problem = problemOf(layers);
  const withFloat = problem.layers.map(layer => {
    const float = { bits: FLOAT32, sensitivity: 0, costs: { bytes: 4 * layer.parameters! } };
    return pins[layer.name] === FLOAT32 ? { ...layer, choices: [float] } : layer;
  });
  return allChoices({ layers: withFloat, ties, pins });
}

test('widths under pins and ties are the least sensitive of all combinations', () => {
  for (let seed = 0; seed < 20; seed++) {
    const layers = layersOf(6, seed);
    const decisions = {
      pins: { 'layer 2': 8, 'layer 5': FLOAT32 },
      ties: [
        ['layer 0', 'layer 3'],
        ['layer 3', 'layer 4'],
      ],
    };
    const choice = reallocation(layers, decisions)!;
    const all = bruteForce(layers, decisions);
    assert.equal(choice.smallest, Math.min(...all.map(({ costs }) => costs[0])));
    assert.equal(choice.largest, Math.max(...all.map(({ costs }) => costs[0])));
    for (const share of [0, 0.1, 0.37, 0.5, 0.9, 1]) {
      const limit = choice.smallest + share * (choice.largest - choice.smallest);
      const found = choice.within(limit);
      const best = Math.min(...all.filter(({ costs }) => costs[0] <= limit).map(p => p.sensitivity));
      assert.ok(found.feasible && found.bytes <= limit);
      assert.ok(isClose(found.sensitivity, best), `${found.sensitivity} and ${best}`);
      const [first, unreached, , third, fourth, , last] = [0, 1, 2, 4, 5, 3, 6].map(l => found.bits[l]);
      assert.equal(unreached, null);
      assert.ok(first === third && first === fourth, String(found.bits));
      assert.deepEqual([found.bits[3], last], [8, FLOAT32]);
    }
  }
});

test('a size that pins do not allow is answered with the smallest choice that they do', () => {
  const layers = layersOf(4, 1);
  const choice = reallocation(layers, { pins: { 'layer 0': FLOAT32 }, ties: [] })!;
  const found = choice.within(choice.smallest - 1);
  assert.equal(found.feasible, false);
  assert.equal(found.bytes, choice.smallest);
  assert.deepEqual(found.bits, [32, null, 2, 2, 2]);
});

test('without decisions the choice and its stability are those of `allocate`', async () => {
  const layers = layersOf(9, 3).map(layer => ({
    ...layer,
    sensitivityStderr: Object.fromEntries(
      Object.entries(layer.sensitivity).map(([bits, omega]) => [bits, 0.4 * omega]),
    ),
  }));
  const choice = reallocation(layers, undecided)!;
  const budget = parseBudget('4.5bits');
  const limit = choice.limitOf(budget);
  const draws = 50;
  const { bits, stability } = await answer(problemOf(layers), [budget], {
    method: 'pareto',
    seed: 0,
    draws,
  });
  const found = choice.within(limit);
  const kept = layers.map(() => 0);
  for (let draw = 0; draw < draws; draw++) {
    choice.redrawn(limit, 0, draw).forEach((width, l) => (kept[l] += Number(width === found.bits[l])));
  }
  assert.ok(Object.values(stability!).some(share => share < 1));
  layers.forEach(({ name }, l) => {
    if (name === 'unreached') return;
    assert.equal(found.bits[l], bits[name], name);
    assert.equal(kept[l] / draws, stability![name], name);
  });
});

test('float32 is taken only by layers that are pinned to it and what they are tied to', () => {
  const layers = layersOf(4, 2);
  const choice = reallocation(layers, { pins: { 'layer 1': FLOAT32 }, ties: [['layer 1', 'layer 2']] })!;
  assert.deepEqual(choice.within(Infinity).bits, [8, null, 32, 32, 8]);
});

test('contradictions are errors, and a report without sensitivities has no choice', () => {
  const layers = layersOf(3, 0);
  const tied = { pins: { 'layer 0': 4, 'layer 1': 8 }, ties: [['layer 0', 'layer 1']] };
  assert.throws(() => reallocation(layers, tied), curvatureError('problem-invalid', /tied, and pinned/));
  assert.throws(
    () => reallocation(layers, { pins: { 'layer 0': 5 }, ties: [] }),
    curvatureError('problem-invalid', /no choice of 5 bits/),
  );
  assert.equal(reallocation(layers.slice(1, 2), undecided), undefined);
});
