import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { judgement, predictionPoints } from '../../webview/report/predictionPoints';
import { launch, openPage, skip } from './browser';
import { doneState, smallReport } from './fixtures';
import { metricsReport } from './metricsFixture';

test('points are half of Ω against what was measured', () => {
  const report = metricsReport();
  const points = predictionPoints(report, 'omegaGgn', 'divergence');
  assert.equal(points.length, 28);
  const [layer] = report.layers;
  const [first] = points;
  assert.equal(first?.predicted, (layer?.sensitivity['2'] ?? 0) / 2);
  assert.equal(first?.measured, layer?.metrics?.divergence?.['2']?.value);
  assert.deepEqual(predictionPoints(smallReport(), 'omegaGgn', 'divergence'), []);
});

test('a correlation has a word for it', () => {
  const said = (rho: number | null): string => judgement('sqnr', 'divergence', rho);
  assert.equal(said(0.95), 'SQNR ranks the measured divergence of the outputs very well');
  assert.equal(said(0.5), 'SQNR ranks the measured divergence of the outputs only roughly');
  assert.equal(said(-0.3), 'SQNR does not rank the measured divergence of the outputs');
  assert.equal(said(null), 'SQNR says nothing about the measured divergence of the outputs');
});

describe('predicted against measured', { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  test('is shown where it was measured, in words, as a picture and as a table', async () => {
    const open = await openPage(browser);
    const { page } = open;
    await open.show(doneState(smallReport()));
    assert.equal(await page.locator('.prediction').isVisible(), false);
    await open.show(doneState(metricsReport()));
    const said = () => page.locator('.prediction .meaning').innerText();
    assert.match(
      await said(),
      /^½ Ω \(GGN\) ranks the measured divergence of the outputs very well: Spearman’s ρ is 0\.97 \(95 %: 0\.91 to 0\.99\) over all layers and widths, 0\.93 among/,
    );
    assert.match((await page.locator('.prediction canvas').getAttribute('aria-label')) ?? '', /^28 points, /);
    const rows = await page.locator('.prediction tbody tr').allInnerTexts();
    assert.deepEqual(
      rows.map(row => row.split(/\s*\t\s*/)),
      [
        ['½ Ω (GGN)', '0.97', '0.93', '0.88', '0.70'],
        ['SQNR', '0.61', '−0.12', '0.55', '−0.10'],
      ],
    );
    await page.locator('.prediction vscode-dropdown').nth(1).click();
    await page.locator('.prediction vscode-option', { hasText: 'change of the loss' }).click();
    assert.match(await said(), /ρ is 0\.88/);
    assert.match(await page.locator('.prediction .left-out').innerText(), /^\d+ figures? at or below zero/);
    assert.match(
      await page.locator('.proof .meaning').innerText(),
      /^The suggestion holds\.\n1 of 2 random choices of this size lose more\.\nMeasured on 488 samples\.$/,
    );
    const proofs = await page.locator('.proof tbody tr').allInnerTexts();
    assert.equal(proofs.length, 2);
    assert.match(proofs[1] ?? '', /^all 4 bit\s+20\.0\u00a0KB\s+4\.21\s+0\.110\s+0\.1100 ± 0\.0020/);
    assert.deepEqual(open.problems, []);
    await open.close();
  });
});
