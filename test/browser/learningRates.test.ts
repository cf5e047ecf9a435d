import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { learningRateCurves } from '../../webview/report/learningRateCurves';
import {
  batchFacts,
  matrixFacts,
  outsideFacts,
  suggestionFacts,
} from '../../webview/report/learningRateWords';
import { assertClose } from '../support/assertions';
import { aStability } from '../support/stability';
import { launch, openPage, skip } from './browser';
import { doneState, smallReport } from './fixtures';
import { stabilityReport } from './stabilityFixture';
import { themes } from './themes';

const verdictOf = async (page: Page) =>
  (await page.locator('.stability-verdict').innerText()).replaceAll('\u00a0', ' ');

describe('curves of learning rates', () => {
  const study = aStability();
  const curves = learningRateCurves(study, { optimizer: 'sgd', momentum: 0 }, 512);

  test('the band is the closed form of Wu & Su, from single samples to the largest batch', () => {
    assertClose(curves.band[0]?.batchSize ?? NaN, 1, 1e-12);
    assertClose(curves.band.at(-1)?.batchSize ?? NaN, 512, 1e-12);
    for (const { batchSize, sufficient, necessary } of curves.band) {
      assertClose(sufficient, 2 / ((1 - 1 / batchSize) * 10 + 40 / batchSize), 1e-9);
      assertClose(necessary, Math.min(2 / 10, (2 * batchSize) / 40), 1e-9);
    }
  });

  test('the formula is that of a spike in noise, and gradient descent’s bound from all samples on', () => {
    for (const { batchSize, rate } of curves.formula) {
      const perBatch = batchSize < 128 ? 500 * (1 / batchSize - 1 / 128) : 0;
      const largest = perBatch < 100 ? 10 + perBatch / 10 : 2 * Math.sqrt(perBatch);
      assertClose(rate, 2 / largest, 1e-9);
    }
  });

  test('batches have errors of their own, without an end where λmax may be 0', () => {
    assert.deepEqual(
      curves.measured.map(({ batchSize }) => batchSize),
      [2, 4, 8, 16, 32, 64],
    );
    const [first] = curves.measured;
    assert.deepEqual(first, { batchSize: 2, rate: 2 / 4, low: 2 / 6.5, high: 2 / 1.5 });
    const uncertain = { ...study.batchSizes[1], largest: { mean: 2, stderr: 3, most: 9 } };
    const found = learningRateCurves(
      { ...study, batchSizes: [uncertain] },
      { optimizer: 'sgd', momentum: 0 },
      128,
    );
    assert.equal(found.measured[0]?.high, Infinity);
  });
});

test('what lies outside of the formula’s range is told from what does not', () => {
  const study = aStability();
  const marked = study.batchSizes.map(one => ({ ...one, formulaHolds: one.batchSize > 4 }));
  const found = { ...study, batchSizes: marked };
  assert.equal(learningRateCurves(found, { optimizer: 'sgd', momentum: 0 }, 128).formulaFrom, 4);
  assert.match(outsideFacts(found), /outside of the formula’s range/);
  assert.equal(outsideFacts(study), '');
});

test('sentences have the numbers of the study, with their errors', () => {
  const study = aStability();
  assert.match(
    matrixFacts(study),
    /^On all 128 samples, λmax of the Hessian is 10\.000 ± 0\.0010 and its trace 40\.0 ± 2\.0\. The critical batch size is their ratio, 4\.00 ± 0\.20:/,
  );
  assert.match(
    matrixFacts({ ...study, largest: { ...study.largest, converged: false } }),
    /has not converged: it is a lower bound/,
  );
  assert.match(
    batchFacts(study, study.training),
    /^λmax of a random batch of 16 is 18\.0 ± 2\.5 in the mean over 8 and 28\.0 at most: 1\.8 and 2\.8 times that of all 128 samples\.$/,
  );
  assert.match(batchFacts(study, { ...study.training, batchSize: 1000 }), /random batch of 64/);
  const said = suggestionFacts(study, study.training);
  assert.match(
    said,
    /^SGD is surely stable up to lr 0\.16 with batches of 16\. Suggested: lr 0\.171, momentum 0\.67,/,
  );
  assert.match(
    said,
    /fastest with lr 0\.331 and momentum 0\.669, for curvatures of 0\.100 to 10\.0, which hold 90/,
  );
});

describe('stability of training', { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  test('is shown where it was measured: verdict, bounds, batches, and what to do', async () => {
    const open = await openPage(browser);
    const { page } = open;
    await open.show(doneState(smallReport()));
    assert.equal(await page.locator('.learning-rates').isVisible(), false);
    await open.show(doneState(stabilityReport({ training: { momentum: 0.9 } })));
    assert.match(
      await verdictOf(page),
      /^Unstable: SGD with momentum 0\.9 at lr 0\.1 is linearly unstable here with batches of 16 /,
    );
    assert.equal(await page.locator('.stability-verdict').getAttribute('data-severity'), 'error');
    const tables = page.locator('.learning-rates table');
    const bounds = await tables.nth(0).locator('tbody tr').allInnerTexts();
    assert.deepEqual(
      bounds.map(text => text.trim().split(/\s*\t\s*/)),
      [
        ['Gradient descent', '20.0', '0.200', 'stable'],
        ['Heavy ball 0.9', '38.0', '0.380', 'stable'],
        ['Nesterov 0.9', '13.6', '0.136', 'stable'],
        ['Adam form 0.9', '380', '–', 'another matrix'],
      ],
    );
    const batches = await tables.nth(1).locator('tbody tr').allInnerTexts();
    assert.equal(batches.length, 8);
    assert.match(batches[0] ?? '', /^1\s+−2\.0 ± 2\.5\s+8\.00\s+20\.0\s+any\s+0\.190/);
    assert.match(batches[7] ?? '', /^all 128\s+10\.000 ± 0\.0010\s+10\.0\s+10\.0\s+0\.380\s+0\.380/);
    const picture = await page.locator('.learning-rates canvas').getAttribute('aria-label');
    assert.match(
      picture ?? '',
      /^Largest stable learning rate against batch size.*lr 0\.1 with batches of 16\. SGD/,
    );
    assert.match(await page.locator('.diagnostics').innerText(), /All of this holds in the quadratic model/);
    assert.deepEqual(open.problems, []);
    await open.close();
  });

  test('settings are tried out by keyboard, judged at once, kept, and taken back', async () => {
    const study = aStability();
    const open = await openPage(browser);
    const { page } = open;
    await open.show(doneState(stabilityReport()));
    assert.match(await verdictOf(page), /^Stable: SGD at lr 0\.1 /);
    assert.equal(await page.getByRole('button', { name: /^Reset to the settings/ }).isDisabled(), true);
    const rate = page.getByRole('spinbutton', { name: 'Learning rate' });
    await rate.fill('0.25');
    assert.match(
      await verdictOf(page),
      /^Unstable, if tried: SGD at lr 0\.25 is linearly unstable here: λmax 10 ± 0\.001 > 8\./,
    );
    await rate.fill('-1');
    assert.equal(await rate.getAttribute('aria-invalid'), 'true');
    assert.match(await verdictOf(page), /lr 0\.25/);
    await rate.fill('0.19');
    assert.match(await verdictOf(page), /^Warning, if tried: SGD at lr 0\.19 may be unstable/);
    const batch = page.getByRole('slider', { name: 'Batch size, slider' });
    await batch.focus();
    await page.keyboard.press('End');
    assert.match(
      await verdictOf(page),
      /^Stable, if tried: SGD at lr 0\.19 is linearly stable here with batches of 1024/,
    );
    assert.deepEqual(((await open.kept()) as { whatIf: unknown }).whatIf, {
      of: study.training,
      training: { ...study.training, learningRate: 0.19, batchSize: 1024 },
    });
    const kept = await open.kept();
    await page.getByRole('button', { name: /^Reset to the settings/ }).click();
    assert.match(await verdictOf(page), /^Stable: SGD at lr 0\.1 /);
    await page.getByRole('button', { name: /^Try Suggestion/ }).click();
    assert.match(await verdictOf(page), /^Stable, if tried: SGD with momentum 0\.67 at lr 0\.171 /);
    await open.close();

    const again = await openPage(browser, { kept });
    await again.show(doneState(stabilityReport()));
    assert.match(await verdictOf(again.page), /^Stable, if tried: SGD at lr 0\.19 .* batches of 1024/);
    // What was tried out on other settings is no longer meant.
    await again.show(doneState(stabilityReport({ training: { learningRate: 0.05 } })));
    assert.match(await verdictOf(again.page), /^Stable: SGD at lr 0\.05 /);
    await again.close();
  });

  test('another optimizer is offered only where its matrix was measured', async () => {
    const open = await openPage(browser);
    const options = () => open.page.locator('.learning-rates vscode-option').allInnerTexts();
    await open.show(doneState(stabilityReport()));
    assert.deepEqual(await options(), ['SGD', 'SGD, Nesterov']);
    const training = { optimizer: 'adam', momentum: 0.9 } as const;
    await open.show(doneState(stabilityReport({ training, isPreconditioned: true })));
    assert.deepEqual(await options(), ['Adam']);
    assert.match(await verdictOf(open.page), /λmax of the preconditioned Hessian/);
    await open.close();
  });

  test('asks for other settings, or to measure again, unless something runs', async () => {
    const open = await openPage(browser);
    const state = doneState(stabilityReport());
    await open.show(state);
    const change = open.page.getByRole('button', { name: /^Change Settings…/ });
    const again = open.page.getByRole('button', { name: 'Measure Again: Stability of training' });
    await change.click();
    await again.click();
    assert.deepEqual(
      (await open.posted()).filter(({ type }) => type === 'study'),
      [
        { type: 'study', kind: 'stability', choice: { askAgain: true } },
        { type: 'study', kind: 'stability' },
      ],
    );
    await open.show({ ...state, study: { kind: 'stability' } });
    assert.equal(await change.isDisabled(), true);
    assert.equal(await again.isDisabled(), true);
    await open.close();
  });

  for (const theme of themes) {
    test(`fits into narrow panels in the ${theme.name} theme, and nothing moves while a slider does`, async () => {
      const open = await openPage(browser, { theme, viewport: { width: 600, height: 900 } });
      await open.show(doneState(stabilityReport({ training: { momentum: 0.9 } })));
      const width = await open.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 600, `${width} px wide`);
      const y = async (selector: string) =>
        (await open.page.locator(selector).boundingBox())?.y ?? assert.fail(selector);
      const top = async () => (await y('.learning-rates canvas')) - (await y('.learning-rates'));
      const before = await top();
      const slider = open.page.getByRole('slider', { name: 'Learning rate, slider' });
      await slider.focus();
      for (const key of ['Home', 'End']) {
        await open.page.keyboard.press(key);
        assert.equal(await top(), before, `${key}: ${await verdictOf(open.page)}`);
      }
      assert.deepEqual(open.problems, []);
      await open.close();
    });
  }
});
