import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  lanczos,
  type LanczosOptions,
  type LanczosProgress,
  type Which,
} from '../../../src/engine/estimators/lanczos';
import { curvatureError } from '../../support/assertions';
import {
  type DenseOperator,
  denseOperator,
  matrixWithSpectrum,
  normalMatrix,
} from '../../support/denseOperator';

async function run(operator: DenseOperator, options: LanczosOptions): Promise<LanczosProgress[]> {
  const steps: LanczosProgress[] = [];
  for await (const progress of lanczos(operator, options)) steps.push(progress);
  return steps;
}

const range = (n: number, at: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => at(i));

/** The wanted end of the spectrum by ml-matrix. */
function wanted({ eigenvalues }: DenseOperator, which: Which, count: number): number[] {
  const order = { LA: (x: number) => -x, SA: (x: number) => x, LM: (x: number) => -Math.abs(x) }[which];
  return [...eigenvalues].sort((a, b) => order(a) - order(b)).slice(0, count);
}

const spectra: Record<string, number[]> = {
  'geometric decay': range(80, i => 0.8 ** i),
  'outliers over a bulk about zero': [50, 20, 8, ...range(147, i => Math.sin(i))],
  'a tight cluster on top': [10, 9.999, 9.998, 9.997, ...range(60, i => i / 60)],
  'both signs, the largest of them negative': [-30, 12, -9, ...range(60, i => i / 30 - 1)],
  'repeated eigenvalues': [5, 5, 5, 2, 2, ...range(15, i => (i % 3) / 2)],
  'all equal': range(6, () => 3),
  'all zero': range(5, () => 0),
  'low rank': [4, 1, ...range(28, () => 0)],
  'all negative': range(30, i => -1 - i),
  'a single number': [-2.5],
};

for (const [name, spectrum] of Object.entries(spectra)) {
  for (const which of ['LA', 'SA', 'LM'] as const) {
    test(`finds the ${which} end of a spectrum: ${name}`, async () => {
      const operator = denseOperator(matrixWithSpectrum(spectrum, 11));
      // A cap at the size leaves nothing unfinished, so a missing eigenvalue can't hide behind it.
      const options = { count: 5, which, seed: 2, tolerance: 1e-6, maxSteps: operator.size };
      const steps = await run(operator, options);
      const last = steps[steps.length - 1];
      const expected = wanted(operator, which, 5);
      const largest = Math.max(...spectrum.map(Math.abs));
      assert.ok(last.converged, JSON.stringify(last));
      assert.equal(last.eigenvalues.length, expected.length);
      last.eigenvalues.forEach(({ value, residual }, i) => {
        assert.ok(Math.abs(value - expected[i]) <= 1e-8 * largest, `${i}: ${value}, expected ${expected[i]}`);
        assert.ok(residual <= 1e-6);
      });
      // An operator that is taken whole has both ends.
      const farthest = which === 'LM' ? undefined : wanted(operator, which, Infinity).at(-1);
      if (farthest === undefined) assert.equal(last.otherEnd, undefined);
      else assert.ok(last.otherEnd && Math.abs(last.otherEnd.value - farthest) <= 1e-8 * largest);
      assert.equal(operator.applied, last.steps);
      assert.ok(last.steps <= spectrum.length);
    });
  }
}

test('stops as soon as the wanted pairs have converged', async () => {
  const operator = denseOperator(matrixWithSpectrum(spectra['outliers over a bulk about zero'], 1));
  const last = (await run(operator, { count: 1, seed: 0 })).at(-1);
  assert.ok(last?.converged && last.steps < 15, JSON.stringify(last));
});

test('the residual bounds the distance to an eigenvalue at every step', async () => {
  const operator = denseOperator(normalMatrix(60, 4));
  const steps = await run(operator, { count: 3, seed: 1, maxSteps: 60, tolerance: 1e-13 });
  assert.ok(steps.length > 30);
  for (const { eigenvalues } of steps) {
    for (const { value, residual } of eigenvalues) {
      const distance = Math.min(...operator.eigenvalues.map(x => Math.abs(x - value)));
      assert.ok(distance <= residual * Math.abs(value) + 1e-11, `${distance} > ${residual} · ${value}`);
    }
  }
});

test('at the cap, what has not converged says so', async () => {
  const operator = denseOperator(normalMatrix(60, 4));
  const steps = await run(operator, { count: 4, seed: 1, maxSteps: 6 });
  const last = steps[steps.length - 1];
  assert.deepEqual([last.steps, last.maxSteps, last.converged], [6, 6, false]);
  assert.ok(last.eigenvalues.every(pair => !pair.converged && pair.residual > 1e-4));
  assert.deepEqual(
    steps.map(step => step.eigenvalues.length),
    [1, 2, 3, 4, 4, 4],
  );
});

test('the default cap is 100 steps, or the size where that is less', async () => {
  const slow = { count: 5, seed: 0, tolerance: 1e-15 };
  assert.equal(
    (
      await run(
        denseOperator(
          matrixWithSpectrum(
            range(150, i => i),
            1,
          ),
        ),
        slow,
      )
    ).at(-1)?.maxSteps,
    100,
  );
  assert.equal((await run(denseOperator(normalMatrix(7, 1)), slow)).at(-1)?.maxSteps, 7);
});

test('the same seed gives the same numbers, another seed the same eigenvalues', async () => {
  const operator = denseOperator(normalMatrix(40, 6));
  const once = await run(operator, { count: 2, seed: 1, tolerance: 1e-10 });
  assert.deepEqual(await run(operator, { count: 2, seed: 1, tolerance: 1e-10 }), once);
  const other = await run(operator, { count: 2, seed: 2, tolerance: 1e-10 });
  assert.notDeepEqual(other[0], once[0]);
  assert.ok(
    Math.abs((other.at(-1)?.eigenvalues[0].value ?? 0) - (once.at(-1)?.eigenvalues[0].value ?? 1)) < 1e-8,
  );
});

test('nothing asked for is nothing done', async () => {
  const operator = denseOperator(normalMatrix(3, 1));
  assert.deepEqual(await run(operator, { count: 0, seed: 0 }), []);
  assert.equal(operator.applied, 0);
});

test('a product that is not finite is named, and the steps before it are kept', async () => {
  const operator = denseOperator(normalMatrix(20, 1));
  const broken = {
    size: 20,
    apply: async (v: Float64Array | Float32Array) => {
      const product = await operator.apply(v);
      if (operator.applied === 4) product[7] = NaN;
      return product;
    },
  };
  const steps: LanczosProgress[] = [];
  await assert.rejects(
    async () => {
      for await (const progress of lanczos(broken, { count: 2, seed: 0 })) steps.push(progress);
    },
    curvatureError('not-finite', /not finite in Lanczos step 4/),
  );
  assert.equal(steps.length, 3);
});

test('an aborted signal cancels', async () => {
  const operator = denseOperator(normalMatrix(20, 1));
  const options = { count: 2, seed: 0, signal: AbortSignal.abort() };
  await assert.rejects(run(operator, options), curvatureError('cancelled', /./));
});
