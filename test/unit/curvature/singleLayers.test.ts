import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { openModel } from '../../../src/engine/analysis/model';
import { setUp } from '../../../src/engine/analysis/setUp';
import { directionalDerivatives } from '../../../src/engine/curvature/directional';
import { fisherTraces } from '../../../src/engine/curvature/fisherTraces';
import { outputErrors } from '../../../src/engine/curvature/outputErrors';
import { referenceLogits, scorer } from '../../../src/engine/curvature/scores';
import { assertClose } from '../../support/assertions';
import { fixedVector, goldenFolder } from '../../support/golden';

/** Numbers in float64, as test/golden/metrics.py writes them. */
interface Golden {
  readonly file: string;
  readonly data: string;
  readonly step: number;
  readonly layers: Readonly<
    Record<
      string,
      Changes & {
        readonly slope: number;
        readonly curvature: number;
        readonly fisherTrace: number;
        readonly inputWeighted: number;
      }
    >
  >;
  readonly together: Changes;
}

interface Changes {
  readonly deltaLoss: number;
  readonly divergence: number;
  /** At temperature 2. */
  readonly tempered: number;
  readonly accuracy: number;
}

const folder = path.join(goldenFolder, 'metrics');
const goldens = readdirSync(folder).map(
  f => JSON.parse(readFileSync(path.join(folder, f), 'utf8')) as Golden,
);
const sum = (shares: Float64Array): number => shares.reduce((total, s) => total + s, 0);
/** Losses of 256 samples are rounded at 1e-7 of logits of about ten; their mean at a tenth of that. */
const ROUNDING = 2e-7;

const near = (found: number, expected: number, relative: number, absolute: number, what: string): void =>
  assert.ok(
    Math.abs(found - expected) <= relative * Math.abs(expected) + absolute,
    `${what}: ${found}, expected ${expected}`,
  );

for (const golden of goldens) {
  describe(golden.file, async () => {
    const model = openModel(`test/fixtures/models/${golden.file}`);
    // The last batch is not full.
    const { problem } = await setUp(model, {
      data: `test/fixtures/models/${golden.data}`,
      ...{ loss: 'auto', batch: 60, seed: 0, executionProvider: 'cpu' },
    });
    const layers = model.layers;
    const step = (size: number): Float32Array => Float32Array.from(fixedVector(size), s => s * golden.step);
    const moved = (of: typeof layers): Map<string, Float32Array> =>
      new Map(
        of.map(({ initializer, size }) => {
          const weight = model.graph.initializers.get(initializer)!.data as Float32Array;
          const d = step(size);
          return [initializer, weight.map((w, i) => w + d[i])];
        }),
      );

    test('has the golden file’s layers', () => {
      assert.deepEqual(layers.map(l => l.initializer).sort(), Object.keys(golden.layers).sort());
    });

    test('slopes and curvatures along a step of each layer, also twice in one session', async () => {
      for (const layer of layers) {
        const expected = golden.layers[layer.initializer];
        const doubled = step(layer.size).map(d => 2 * d);
        const [once, twice] = await directionalDerivatives(problem, layer, [step(layer.size), doubled]);
        // Sums of products of both signs: the rounding is that of their terms, of about a hundredth of the loss.
        near(sum(once.slopes), expected.slope, 1e-4, ROUNDING, `${layer.name} slope`);
        near(sum(once.curvatures), expected.curvature, 1e-4, ROUNDING, `${layer.name} curvature`);
        near(sum(twice.curvatures), 4 * expected.curvature, 1e-4, 4 * ROUNDING, `${layer.name} twice`);
      }
    });

    test('changes of loss, output and accuracy', async () => {
      const reference = await referenceLogits(problem);
      const compare = async (of: typeof layers, expected: Changes): Promise<void> => {
        const { score, dispose } = await scorer(problem, of, reference, undefined, true);
        const before = await score(new Map());
        const after = await score(moved(of));
        await dispose();
        const what = of.length === 1 ? of[0].name : 'together';
        near(sum(after.losses) - sum(before.losses), expected.deltaLoss, 1e-4, ROUNDING, `${what} loss`);
        near(sum(after.divergences), expected.divergence, 1e-4, ROUNDING, `${what} divergence`);
        near(sum(after.tempered!), expected.tempered, 1e-4, 4 * ROUNDING, `${what} tempered`);
        assertClose(sum(after.hits!), expected.accuracy, 1e-12, `${what} accuracy`);
        near(sum(before.divergences), 0, 0, ROUNDING, `${what} unchanged`);
      };
      for (const layer of layers) await compare([layer], golden.layers[layer.initializer]);
      await compare(layers, golden.together);
    });

    test('traces of the empirical Fisher matrix', async () => {
      const traces = await fisherTraces(problem, layers, 0);
      layers.forEach((layer, l) => {
        const { estimate, stderr } = traces[l];
        const expected = golden.layers[layer.initializer].fisherTrace;
        assert.equal(stderr, 0, `${layer.name} has its samples apart`);
        assertClose(estimate, expected, 1e-4, layer.name);
      });
    });

    test('errors of outputs', async () => {
      const { measure, dispose } = await outputErrors(problem, layers);
      const errors = await measure(layers.map(l => step(l.size).map(d => d * d)));
      await dispose();
      layers.forEach((layer, l) => {
        const mean = sum(errors[l]!) / problem.dataset.samples;
        assertClose(mean, golden.layers[layer.initializer].inputWeighted, 1e-5, layer.name);
      });
    });
  });
}
