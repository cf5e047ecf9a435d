import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { openModel } from '../../src/engine/analysis/model';
import { setUp } from '../../src/engine/analysis/setUp';
import { gaussNewtonTraces, hessianTraces, largestEigenvalues } from '../../src/engine/analysis/traces';
import { hessianOperator, lossAndGradient } from '../../src/engine/curvature/products';
import type { Estimate, RitzValue } from '../../src/engine/estimators/result';
import { norm } from '../../src/engine/util/vector';
import { fixedVector, goldenFolder } from '../support/golden';

/** Exact numbers in float64, as test/golden/trained.py writes them. */
interface Golden {
  readonly file: string;
  readonly data: string;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly eigenvalues: readonly number[];
  readonly smallestEigenvalue: number;
  readonly layers: readonly string[];
  readonly tensors: Readonly<
    Record<
      string,
      {
        readonly traceHessian: number;
        readonly traceGgn: number;
        readonly probeVarianceLayers?: number;
        readonly HvBlock: readonly number[];
        readonly HvJoint: readonly number[];
      }
    >
  >;
}

const folder = path.join(goldenFolder, 'models');
const goldens = readdirSync(folder).map(
  f => JSON.parse(readFileSync(path.join(folder, f), 'utf8')) as Golden,
);

function relativeDistance(found: ArrayLike<number>, expected: readonly number[]): number {
  return norm(Float64Array.from(expected, (e, i) => e - found[i])) / norm(Float64Array.from(expected));
}

const options = { seed: 0, rtol: 0.05, maxProbes: 100 };

async function last(
  traces: AsyncGenerator<{ estimates: readonly Estimate[] }>,
): Promise<readonly Estimate[]> {
  let estimates: readonly Estimate[] = [];
  for await (const step of traces) estimates = step.estimates;
  return estimates;
}

for (const golden of goldens) {
  describe(golden.file, () => {
    const find = (file: string): string => {
      const place = ['test/fixtures/models', 'media/sample']
        .map(f => path.join(f, file))
        .find(f => readdirSync(path.dirname(f)).includes(file));
      assert.ok(place, `${file} is among the fixtures`);
      return place;
    };
    const model = openModel(find(golden.file));
    const prepared = setUp(model, {
      data: find(golden.data),
      loss: 'auto',
      seed: 0,
      executionProvider: 'cpu',
    });

    test('all layers are found and reached', async () => {
      const { reached } = await prepared;
      assert.deepEqual(reached.map(l => l.initializer).sort(), [...golden.layers].sort());
    });

    test('loss and gradient', async () => {
      const { problem, parameters } = await prepared;
      assert.deepEqual(parameters.map(p => p.name).sort(), Object.keys(golden.tensors).sort());
      const { loss, gradient } = await lossAndGradient(problem, parameters);
      // float32 sums over 256 samples.
      assert.ok(Math.abs(loss / golden.loss - 1) < 1e-5, `loss ${loss}, expected ${golden.loss}`);
      const length = Math.hypot(...[...gradient.values()].map(g => norm(g)));
      assert.ok(
        Math.abs(length / golden.gradientNorm - 1) < 1e-4,
        `gradient norm ${length}, expected ${golden.gradientNorm}`,
      );
    });

    test('Hessian-vector products, jointly and per block, within 1e-4', async () => {
      const { problem, parameters } = await prepared;
      const operator = await hessianOperator(problem, parameters);
      const v = Float64Array.from(parameters.flatMap(p => [...fixedVector(p.size)]));
      const joint = await operator.apply(v);
      const jointExpected = parameters.flatMap(p => golden.tensors[p.name].HvJoint);
      assert.ok(
        relativeDistance(joint, jointExpected) < 1e-4,
        `joint product off by ${relativeDistance(joint, jointExpected)}`,
      );
      let start = 0;
      for (const p of parameters) {
        const block = new Float64Array(operator.size);
        block.set(fixedVector(p.size), start);
        const product = (await operator.apply(block)).subarray(start, start + p.size);
        const off = relativeDistance(product, golden.tensors[p.name].HvBlock);
        assert.ok(off < 1e-4, `block product of ${p.name} off by ${off}`);
        start += p.size;
      }
      await operator.dispose();
    });

    test('GGN traces', async () => {
      const { problem, reached } = await prepared;
      const estimates = await last(gaussNewtonTraces(problem, reached, options));
      reached.forEach((layer, l) => {
        const { estimate, stderr, exact } = estimates[l];
        const expected = golden.tensors[layer.initializer].traceGgn;
        const allowed = exact ? 1e-4 * expected : 3 * stderr;
        assert.ok(
          Math.abs(estimate - expected) <= allowed,
          `${layer.name}: ${estimate} ± ${stderr}, expected ${expected}`,
        );
        assert.ok(stderr <= 0.05 * estimate, `${layer.name}: stderr ${stderr} of ${estimate}`);
      });
    });

    test('Hessian traces by balanced probes, with less noise where there was most', async () => {
      const { problem, reached } = await prepared;
      const rough = reached.map(l => golden.tensors[l.initializer].traceGgn);
      const all = { ...options, rtol: 0 };
      const [equal, balanced] = [
        await last(hessianTraces(problem, reached, all)),
        await last(hessianTraces(problem, reached, all, rough)),
      ];
      reached.forEach((layer, l) => {
        const { estimate, stderr } = balanced[l];
        const expected = golden.tensors[layer.initializer].traceHessian;
        assert.ok(
          Math.abs(estimate - expected) <= 3 * stderr,
          `${layer.name}: ${estimate} ± ${stderr}, expected ${expected}`,
        );
      });
      const worst = (estimates: readonly Estimate[]): number =>
        Math.max(
          ...estimates.map(({ stderr }, l) => stderr / golden.tensors[reached[l].initializer].traceHessian),
        );
      // 800 probes of each: 0.40 to 0.53.
      assert.ok(worst(balanced) < 0.75 * worst(equal), `${worst(balanced)}, ${worst(equal)}`);
    });

    test('Hessian traces within 3 stderr, converged or at the cap', async () => {
      const { problem, reached } = await prepared;
      const estimates = await last(hessianTraces(problem, reached, options));
      reached.forEach((layer, l) => {
        const { estimate, stderr, samples, converged } = estimates[l];
        const { traceHessian: expected, probeVarianceLayers: variance } = golden.tensors[layer.initializer];
        assert.ok(
          Math.abs(estimate - expected) <= 3 * stderr,
          `${layer.name}: ${estimate} ± ${stderr}, expected ${expected}`,
        );
        assert.ok(converged || samples === options.maxProbes, `${layer.name}: ${samples} probes`);
        // The stderr itself is an estimate from about a hundred probes of a heavy-tailed form: good to a quarter or so.
        if (variance !== undefined)
          assert.ok(
            Math.abs(stderr / Math.sqrt(variance / samples) - 1) < 0.5,
            `${layer.name}: stderr ${stderr}, exact ${Math.sqrt(variance / samples)}`,
          );
      });
    });

    test('top-5 eigenvalues within 1 %, converged, and the smallest within its residual', async () => {
      const { problem, parameters } = await prepared;
      let found: readonly { value: number; converged: boolean }[] = [];
      let smallest: RitzValue | undefined;
      for await (const step of largestEigenvalues(problem, parameters, 5, options)) {
        found = step.eigenvalues;
        smallest = step.otherEnd;
      }
      found.forEach(({ value, converged }, i) => {
        assert.ok(converged, `eigenvalue ${i} has converged`);
        assert.ok(
          Math.abs(value / golden.eigenvalues[i] - 1) < 0.01,
          `eigenvalue ${i}: ${value}, expected ${golden.eigenvalues[i]}`,
        );
      });
      assert.equal(found.length, 5);
      // The other end: Ritz values lie within the spectrum, and an eigenvalue within their residual. Products are in float32.
      assert.ok(smallest);
      const { value, residual, converged } = smallest;
      const above = value - golden.smallestEigenvalue;
      const rounding = 1e-6 * golden.eigenvalues[0];
      assert.ok(
        above >= -rounding && above <= residual * Math.abs(value) + rounding,
        `${value} ± ${residual}`,
      );
      assert.equal(converged, residual <= 1e-4);
      assert.ok(above < 0.06 * Math.abs(value), `${value}, expected ${golden.smallestEigenvalue}`);
    });
  });
}
