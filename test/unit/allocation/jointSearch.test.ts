import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bestWithin } from '../../../src/engine/allocation/bestWithin';
import { type Changes, jointSearch } from '../../../src/engine/allocation/jointSearch';
import { totalOf } from '../../../src/engine/allocation/limits';
import { Rng } from '../../../src/engine/util/rng';

const MOST = 40;

/** Layers whose errors at each width move one output, by so much: alone each costs its square. */
const menusOf = (errors: readonly (readonly number[])[]) =>
  errors.map(row => row.map((error, k) => ({ sensitivity: error * error, costs: [k + 1] })));

/** The same change of the output on each of four samples: (Σ error)² / 4 is a sample's share. */
const together =
  (errors: readonly (readonly number[])[]) =>
  (picks: readonly number[]): Promise<Changes> => {
    const sum = picks.reduce((total, pick, l) => total + errors[l][pick], 0);
    return Promise.resolve({ changes: new Float64Array(4).fill(sum ** 2 / 4) });
  };
const total = (shares: Float64Array): number => shares.reduce((sum, s) => sum + s, 0);

describe('a joint search', () => {
  test('finds errors that cancel where the least sum has errors that add up', async () => {
    // One of the three may be wide. By sums it is the last one, whose error is largest; the other two then add up to 0.87.
    const errors = [
      [-0.45, 0],
      [-0.42, 0],
      [0.49, 0],
    ];
    const menus = menusOf(errors);
    const start = bestWithin(menus, 4).picks!;
    assert.deepEqual(start, [0, 0, 1]);
    const { start: first, best, runs } = await jointSearch([{ menus, start }], 4, MOST, together(errors));
    assert.ok(Math.abs(total(first.changes) - 0.87 ** 2) < 1e-12);
    // Of all eight choices, those within the limit have at most one wide layer.
    const least = Math.min((-0.42 + 0.49) ** 2, (-0.45 + 0.49) ** 2, 0.87 ** 2, (-0.87 + 0.49) ** 2);
    assert.ok(Math.abs(total(best.changes) - least) < 1e-12, `${total(best.changes)}`);
    assert.deepEqual(best.picks, [0, 1, 0]);
    assert.equal(runs, 4);
  });

  test('stays at the least sum where nothing lies between layers', async () => {
    for (let k = 0; k < 50; k++) {
      const random = Rng.of(k, 'joint, separable');
      const errors = Array.from({ length: 6 }, () => [2, 1, 0.5, 0.1].map(e => e * random.normal()));
      const menus = menusOf(errors);
      const start = bestWithin(menus, 15).picks!;
      const { best } = await jointSearch([{ menus, start }], 15, MOST, picks => {
        const sum = picks.reduce((s, pick, l) => s + menus[l][pick].sensitivity, 0);
        return Promise.resolve({ changes: new Float64Array(4).fill(sum / 4) });
      });
      assert.deepEqual(best.picks, start);
    }
  });

  test('stays within the limit and the number of runs, repeats none, ends no worse, and finds the same again', async () => {
    let moved = 0;
    for (let k = 0; k < 50; k++) {
      const random = Rng.of(k, 'joint, coupled');
      const errors = Array.from({ length: 7 }, () => [2, 1, 0.5, 0.1].map(e => e * random.normal()));
      const menus = menusOf(errors);
      const start = bestWithin(menus, 17).picks!;
      const most = 1 + (k % 25);
      const search = async () => {
        const ran: string[] = [];
        const found = await jointSearch([{ menus, start }], 17, most, picks => {
          assert.ok(totalOf(menus, picks, 0) <= 17);
          ran.push(picks.join());
          return together(errors)(picks);
        });
        return { ...found, ran };
      };
      const found = await search();
      assert.ok(found.runs <= most);
      assert.equal(new Set(found.ran).size, found.ran.length);
      assert.equal(found.ran.length, found.runs);
      assert.ok(total(found.best.changes) <= total(found.start.changes));
      moved += Number(found.best.picks.join() !== start.join());
      assert.deepEqual(await search(), found);
    }
    assert.ok(moved > 25, `${moved} of 50 moved`);
  });

  test('does not follow what may as well be noise of the samples', async () => {
    const menus = menusOf([
      [0.1, 0],
      [0.2, 0],
    ]);
    const search = (other: number[]) =>
      jointSearch([{ menus, start: [0, 1] }], 3, MOST, picks =>
        Promise.resolve({ changes: Float64Array.from(picks[0] === 0 ? [1, 1, 1, 1] : other) }),
      );
    // Less by 0.4 with a standard error of 4 · 0.6/√4 = 1.2: one sample decides.
    assert.deepEqual((await search([1.2, 1.2, 1.2, 0])).best.picks, [0, 1]);
    // As much less on all samples.
    assert.deepEqual((await search([0.9, 0.9, 0.9, 0.9])).best.picks, [1, 0]);
  });

  test('searches from the least of each sum, shares its runs among them, and needs more than noise to leave the first', async () => {
    // The change hangs on the first three widths alone; the first sum sees none of it within two steps.
    const widths = [0, 1, 2, 3].map(k => ({ costs: [k + 1], value: k }));
    const menusBy = (costOf: (l: number, k: number) => number) =>
      [0, 1, 2, 3].map(l => widths.map(({ costs, value }) => ({ sensitivity: costOf(l, value), costs })));
    const first = { menus: menusBy((_, k) => -k), start: [3, 3, 0, 0] };
    const second = { menus: menusBy((l, k) => (l === 3 ? -3 * k : -k)), start: [0, 0, 3, 3] };
    const search = async (changesAt: (picks: readonly number[]) => number[], most = MOST) => {
      const ran: string[] = [];
      const found = await jointSearch([first, second, first], 10, most, picks => {
        ran.push(picks.join());
        return Promise.resolve({ changes: Float64Array.from(changesAt(picks)) });
      });
      assert.equal(new Set(ran).size, ran.length);
      assert.equal(found.runs, ran.length);
      assert.ok(ran.length <= most);
      return found;
    };
    const isSecond = (picks: readonly number[]): boolean => picks[2] + picks[3] === 6;
    const steady = await search(picks => Array<number>(4).fill(isSecond(picks) ? 1 : 2));
    assert.deepEqual(steady.best.picks, second.start);
    assert.deepEqual(steady.start.picks, first.start);
    const noisy = await search(picks => (isSecond(picks) ? [2.2, 2.2, 2.2, 1] : [2, 2, 2, 2]));
    assert.deepEqual(noisy.best.picks, first.start);
    // A single run is of the report's own choice.
    const single = await search(picks => Array<number>(4).fill(isSecond(picks) ? 1 : 2), 1);
    assert.deepEqual(single.best.picks, first.start);
  });
});
