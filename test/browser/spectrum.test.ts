import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { axisOf, curveOf, heightOfOne } from '../../webview/report/spectrumCurve';
import { condition, spectrumFigures, type SpectrumFigures } from '../../webview/report/spectrumFigures';
import { spectrumRows } from '../../webview/report/spectrumTable';
import { findingText, spectrumFindings } from '../../webview/report/spectrumWords';
import { withError } from '../../webview/shared/format';
import type { SpectrumReport } from '../../src/engine/report/spectrum';
import { launch, openPage, skip } from './browser';
import { doneState, smallReport } from './fixtures';
import { layerSpectrum, spectrumOf, spectrumReport, wholeSpectrum } from './spectrumFixture';

function figuresOf(report: SpectrumReport): SpectrumFigures {
  const figures = spectrumFigures(report);
  assert.ok(figures);
  return figures;
}

const wordsOf = (report: SpectrumReport): string[] => spectrumFindings(figuresOf(report)).map(findingText);

test('the curve is the mean of Gaussians at the nodes, with its standard error', () => {
  const figures = figuresOf(wholeSpectrum());
  const width = 0.3;
  const curve = curveOf(figures, axisOf(figures, false), width);
  const gaussian = (x: number): number =>
    Math.exp(-(x ** 2) / (2 * width ** 2)) / (width * Math.sqrt(2 * Math.PI));
  const { quadratures } = figures.density;
  for (const { eigenvalue, density, stderr } of curve.filter((_, i) => i % 50 === 0)) {
    const values = quadratures.map(({ nodes, weights }) =>
      nodes.reduce((sum, node, k) => sum + (weights[k] ?? 0) * gaussian(eigenvalue - node), 0),
    );
    const mean = values.reduce((sum, x) => sum + x, 0) / 5;
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 4);
    assert.ok(Math.abs(density - mean) <= 1e-12 * mean + 1e-300, `${density} at ${eigenvalue}: ${mean}`);
    assert.ok(Math.abs(stderr - deviation / Math.sqrt(5)) <= 1e-9 * mean + 1e-300);
  }
  // The trapezoid rule, fine enough for this width: the axis ends more than four widths beyond the spectrum.
  const area = curve
    .slice(1)
    .reduce(
      (sum, { eigenvalue, density }, i) =>
        sum + ((eigenvalue - (curve[i]?.eigenvalue ?? 0)) * (density + (curve[i]?.density ?? 0))) / 2,
      0,
    );
  assert.ok(Math.abs(area - 1) < 2e-3, String(area));
});

test('every outlier has its peak on the curve, however narrow, on both axes', () => {
  const figures = figuresOf(wholeSpectrum());
  for (const isLogarithmic of [true, false]) {
    const axis = axisOf(figures, isLogarithmic);
    const width = 1e-3;
    const curve = curveOf(figures, axis, width);
    for (const { value } of figures.density.outliers) {
      const peak = curve.find(({ eigenvalue }) => eigenvalue === value)?.density ?? 0;
      assert.ok(peak >= 0.999 * heightOfOne(figures, width), `${value}: ${peak}`);
    }
    assert.ok(curve.every((point, i) => !i || point.eigenvalue > (curve[i - 1]?.eigenvalue ?? 0)));
    for (const x of [-0.6, 0, 1e-3, 40]) assert.ok(Math.abs(axis.eigenvalueAt(axis.place(x)) - x) < 1e-12);
  }
});

test('the condition is known where all eigenvalues are, and bounded by the median elsewhere', () => {
  const whole = condition(figuresOf(wholeSpectrum()));
  assert.ok(whole.isBound && whole.ratio > 40 / 0.5 && whole.ratio < 40 / 0.1);
  const report = wholeSpectrum();
  const nodes = [0.5, 1, 4];
  const exact = condition(
    figuresOf({
      ...report,
      size: 3,
      density: report.density && {
        ...report.density,
        outliers: [],
        quadratures: [
          { nodes, weights: [0.2, 0.5, 0.3] },
          { nodes, weights: [0.4, 0.3, 0.3] },
        ],
        largest: { value: 4, residual: 0, converged: true },
        smallest: { value: 0.5, residual: 0, converged: true },
      },
    }),
  );
  assert.ok(!exact.isBound);
  assert.equal(exact.ratio, 8);
});

test('values have the digits that their errors leave them', () => {
  const cases: [value: number, error: number, text: string][] = [
    [143.2941, 4.42, '143.3 ± 4.4'],
    [4275.3, 281, '4275 ± 280'],
    [0.0027941, 0.00018, '0.00279 ± 0.00018'],
    [-0.84444, 0, '−0.8444'],
    [11.946230006, 1.19e-5, '11.946 ± 0.000012'],
    [40, 1e-8, '40.000 ± <0.000001'],
    [2.5e-9, 1e-4, '(0.0 ± 1.0) × 10⁻⁴'],
    [1.566e-8, 7.1e-10, '(1.566 ± 0.071) × 10⁻⁸'],
    [0, 0, '0'],
  ];
  for (const [value, error, text] of cases)
    assert.equal(withError(value, error).replaceAll('\u00a0', ' '), text);
});

test('intervals are Student’s t of so many vectors; a trace and a sum that are apart are not left without a word', () => {
  const report = wholeSpectrum();
  const { trace, density } = report;
  assert.ok(trace && density);
  const noteOf = (name: string, of = report): string =>
    spectrumRows(figuresOf(of))
      .find(([row]) => row === name)?.[2]
      .replaceAll('\u00a0', ' ') ?? '';
  const [, low, high] = /95 %: (\S+) to (\S+)$/.exec(noteOf('‖·‖F')) ?? [];
  const { estimate, stderr } = density.frobeniusNorm;
  // scipy.stats.t.ppf(0.975, 4); shown are the width's first two digits.
  const half = 2.7764451052 * Math.max(stderr, 1e-6 * estimate);
  assert.ok(Math.abs(Number(low) - estimate + half) < 0.1 * half, `${low}, ${estimate} − ${half}`);
  assert.ok(Math.abs(Number(high) - estimate - half) < 0.1 * half, `${high}, ${estimate} + ${half}`);
  assert.match(noteOf('Trace'), /^xtrace, 48 products; 95 %: .* to .*; by this density [\d.]+ ± [\d.]+$/);
  const other = { ...report, trace: { ...trace, estimate: density.sum.estimate + 2000, stderr: 0.1 } };
  assert.match(noteOf('Trace', other), /, further apart than 19 of 20 such pairs are: go by the /);
});

test('words tell outliers, sign and rank, and no more than is known', () => {
  const [apart, sign, rank] = wordsOf(wholeSpectrum());
  assert.match(
    apart ?? '',
    /^9 eigenvalues stand apart above the bulk, down to 8\.00 where the next is 0\.620, .*As many are expected of a trained classifier with 10 classes/,
  );
  assert.match(
    sign ?? '',
    /^4\d\.\d+ ± 0\.\d+\s% of the curvature is negative \(of Σ\|λ\|\), down to λmin = −0\.590: /,
  );
  assert.match(
    rank ?? '',
    /^Effective rank \d+.* ± .* of 20,000: .*half of all eigenvalues are no larger than/,
  );
  const layer = wordsOf(layerSpectrum());
  assert.equal(layer.length, 2, 'a positive semidefinite matrix has no sign to tell of');
  assert.equal(layer[0], 'No clear gap sets eigenvalues apart from the bulk.');
  const fewer = { ...wholeSpectrum(), classes: 100 };
  assert.match(wordsOf(fewer)[0] ?? '', /with 100 classes about 99 are expected/);
  const positive = spectrumOf({ matrix: 'hessian', size: 500, outliers: [9, 8, 7], bulk: 1, middle: 2 });
  assert.match(wordsOf(positive)[1] ?? '', /^No direction was seen that bends downwards/);
});

describe('the spectrum', { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  const section = (page: Page) => page.locator('section.spectrum');
  const picture = (page: Page): Promise<string> =>
    page.locator('.spectrum canvas').evaluate(canvas => (canvas as HTMLCanvasElement).toDataURL());
  const choose = async (page: Page, index: number, text: string): Promise<void> => {
    await page.locator('.spectrum vscode-dropdown').nth(index).click();
    await section(page).getByRole('option', { name: text, exact: true }).click();
  };

  test('is shown where it was measured, in words, as a picture and as a table', async () => {
    const open = await openPage(browser);
    const { page } = open;
    await open.show(doneState(smallReport()));
    assert.equal(await section(page).isVisible(), false);
    await open.show(doneState(spectrumReport()));
    assert.match(await section(page).locator('.verdicts').innerText(), /^9 eigenvalues stand apart/);
    const finding = (await page.locator('.spectrum canvas').getAttribute('aria-label')) ?? '';
    assert.match(
      finding,
      /^Density of the eigenvalues, Hessian, all parameters, from −0\.590 to 40\.0\. 9 eigenvalues stand apart/,
    );
    const rows = (await section(page).locator('tbody tr').allInnerTexts()).map(row => row.split('\t'));
    const table = new Map(rows.map(([name = '', value = '', note = '']) => [name, `${value}; ${note}`]));
    assert.equal(table.get('λmax'), '40.000 ± 0.000040; converged');
    assert.match(table.get('λmax / |λmin|') ?? '', /^67\.797 ± 0\.0046; /);
    assert.equal(table.get('Outliers'), '9; apart above the bulk, of 15 eigenvalues known by themselves');
    assert.match(table.get('Condition') ?? '', /^≥ \d{3}\.\d; largest over median/);
    assert.match(table.get('Median |λ|') ?? '', /^≤ 0\.\d+; half of all eigenvalues are no larger/);
    assert.equal(table.get('Distance'), '≤ 0.0200; from the exact spectrum (Wasserstein, 99\u00a0%)');
    for (const name of ['λmin', 'Negative share', 'Effective rank', 'Trace', '‖·‖F'])
      assert.match(table.get(name) ?? '', / ± /, name);
    for (const name of ['Negative share', 'Effective rank', 'Trace', '‖·‖F'])
      assert.match(table.get(name) ?? '', /95\u00a0%: \S+ to \S+/, name);
    assert.deepEqual(open.problems, []);
    await open.close();
  });

  test('follows the width, the scales and the choice, and keeps them', async () => {
    const open = await openPage(browser);
    const { page } = open;
    await open.show(doneState(spectrumReport()));
    const first = await picture(page);
    const slider = page.locator('.spectrum .slider');
    const reading = page.locator('.spectrum .reading');
    const before = await reading.innerText();
    await slider.focus();
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
    const width = async (): Promise<number> => Number.parseFloat(await reading.innerText());
    // Four steps double it; both are shown with three digits.
    assert.ok(Math.abs((await width()) / Number.parseFloat(before) - 2) < 0.02);
    assert.equal(await slider.getAttribute('aria-valuetext'), await reading.innerText());
    const wider = await picture(page);
    assert.notEqual(wider, first);
    for (const label of ['Log density', 'Log eigenvalues']) {
      const last = await picture(page);
      await page.locator('.spectrum vscode-checkbox', { hasText: label }).click();
      assert.notEqual(await picture(page), last, label);
    }
    await choose(page, 0, 'Gauss–Newton matrix, conv1.weight');
    assert.match(await section(page).locator('.verdicts').innerText(), /^No clear gap/);
    const kept = await open.kept();
    await open.close();

    const again = await openPage(browser, { kept });
    await again.show(doneState(spectrumReport()));
    assert.match(await section(again.page).locator('.verdicts').innerText(), /^No clear gap/);
    const boxes = again.page.locator('.spectrum vscode-checkbox');
    assert.deepEqual(await boxes.evaluateAll(all => all.map(box => box.getAttribute('aria-checked'))), [
      'false',
      'false',
    ]);
    await choose(again.page, 0, 'Hessian, all parameters');
    await boxes.nth(0).click();
    await boxes.nth(1).click();
    assert.equal(await picture(again.page), wider);
    assert.deepEqual(again.problems, []);
    await again.close();
  });

  test('asks for the spectrum of a layer, and shows it once it is there', async () => {
    const open = await openPage(browser);
    const { page } = open;
    const whole = spectrumReport([wholeSpectrum()]);
    await open.show(doneState(whole));
    await choose(page, 1, 'conv1.weight');
    await choose(page, 2, 'Gauss–Newton matrix');
    const press = page.locator('.spectrum-measure').getByTitle('Measure this spectrum');
    await press.click();
    const asked = (await open.posted()).filter(({ type }) => type === 'study');
    assert.deepEqual(asked, [
      { type: 'study', kind: 'spectrum', choice: { matrix: 'ggn', layers: ['conv1.weight'] } },
    ]);
    await open.show({ ...doneState(whole), study: { kind: 'spectrum' } });
    assert.equal(await press.getAttribute('disabled'), '');
    await open.show(doneState(spectrumReport()));
    assert.match(await section(page).locator('.verdicts').innerText(), /^No clear gap/);
    // Without the model there is nothing to run.
    await open.show({ ...doneState(spectrumReport()), canAnalyze: false });
    assert.equal(await page.locator('.spectrum-measure').isVisible(), false);
    assert.deepEqual(open.problems, []);
    await open.close();
  });
});
