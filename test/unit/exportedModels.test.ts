import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { openModel } from '../../src/engine/analysis/model';
import { setUp } from '../../src/engine/analysis/setUp';
import { gaussNewtonTraces } from '../../src/engine/analysis/traces';
import { hessianOperator, lossAndGradient } from '../../src/engine/curvature/products';
import type { Estimate } from '../../src/engine/estimators/result';
import { dot, norm } from '../../src/engine/util/vector';
import { fixedVector, goldenFolder } from '../support/golden';

/** Numbers in float64, as test/golden/exported.py writes them. */
interface Golden {
  readonly file: string;
  readonly loss: number;
  readonly layers: readonly string[];
  /** The parameters that the first output depends on. */
  readonly tensors: Readonly<Partial<Record<string, GoldenTensor>>>;
}

interface GoldenTensor {
  readonly gV: number;
  readonly vHvJoint: number;
  readonly HvJointNorm: number;
  readonly vHvBlock: number;
  readonly HvBlockNorm: number;
  readonly traceGgn: number;
}

const folder = path.join(goldenFolder, 'exports');
const goldens = readdirSync(folder).map(
  f => JSON.parse(readFileSync(path.join(folder, f), 'utf8')) as Golden,
);

for (const golden of goldens) {
  describe(golden.file, () => {
    const file = path.join('test/fixtures/exports', golden.file);
    const prepared = setUp(openModel(file), {
      data: file.replace('.onnx', '.npz'),
      loss: 'auto',
      seed: 0,
      executionProvider: 'cpu',
    });

    test('all layers that the first output depends on are reached', async () => {
      const measured = (await prepared).reached.map(l => l.initializer).filter(n => n in golden.tensors);
      assert.deepEqual(measured.sort(), [...golden.layers].sort());
    });

    test('loss, gradient, and Hessian-vector products within 1e-3', async () => {
      const { problem, parameters } = await prepared;
      const known = parameters.filter(p => p.name in golden.tensors);
      assert.deepEqual(known.map(p => p.name).sort(), Object.keys(golden.tensors).sort());
      const { loss, gradient } = await lossAndGradient(problem, known);
      assert.ok(Math.abs(loss / golden.loss - 1) < 1e-5, `loss ${loss}, expected ${golden.loss}`);

      const operator = await hessianOperator(problem, known);
      const vectors = known.map(p => fixedVector(p.size));
      const joint = await operator.apply(Float64Array.from(vectors.flatMap(v => [...v])));
      // What is a thousandth of the whole is noise where it stands alone, such as the bias of the keys in attention.
      const negligible = Math.hypot(...Object.values(golden.tensors).map(t => t!.HvJointNorm)) / 1000;
      let start = 0;
      for (const [i, { name, size }] of known.entries()) {
        const v = vectors[i];
        const expected = golden.tensors[name]!;
        const close = (found: number, value: number, length: number, what: string): void =>
          assert.ok(
            Math.abs(found - value) <= 1e-3 * Math.max(length, negligible),
            `${what} of ${name}: ${found}, expected ${value}, scale ${length}`,
          );
        const part = joint.subarray(start, start + size);
        const block = new Float64Array(operator.size);
        block.set(v, start);
        const own = (await operator.apply(block)).subarray(start, start + size);
        // An error of a thousandth of the product's length shows in vᵀHv times the length of v.
        const reach = Math.sqrt(size);
        close(dot(gradient.get(name)!, v), expected.gV, Math.abs(expected.gV), 'gᵀv');
        close(norm(part), expected.HvJointNorm, expected.HvJointNorm, '‖Hv‖');
        close(dot(part, v) / reach, expected.vHvJoint / reach, expected.HvJointNorm, 'vᵀHv/‖v‖');
        close(norm(own), expected.HvBlockNorm, expected.HvBlockNorm, '‖Hv‖ of the block');
        close(dot(own, v) / reach, expected.vHvBlock / reach, expected.HvBlockNorm, 'vᵀHv/‖v‖ of the block');
        start += size;
      }
      await operator.dispose();
    });

    test('GGN traces within 3 stderr', async () => {
      const { problem, reached } = await prepared;
      let estimates: readonly Estimate[] = [];
      for await (const step of gaussNewtonTraces(problem, reached, { seed: 0, rtol: 0.05, maxProbes: 100 }))
        estimates = step.estimates;
      reached.forEach((layer, l) => {
        const { estimate, stderr, exact } = estimates[l];
        const expected = golden.tensors[layer.initializer]?.traceGgn ?? 0;
        assert.ok(
          Math.abs(estimate - expected) <= (exact ? 1e-3 * expected : 3 * stderr),
          `${layer.name}: ${estimate} ± ${stderr}, expected ${expected}`,
        );
      });
    });
  });
}
