import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { heatColour, heatScale } from '../../webview/report/heatScale';
import { networkOrder } from '../../webview/report/networkOrder';
import type { Theme } from '../../webview/shared/theme';
import { launch, openPage, skip } from './browser';
import { doneState, largeReport, smallReport } from './fixtures';
import { couplingOf, studiedReport } from './studiesFixture';
import { themes } from './themes';

test('the scale is logarithmic, and ends four decades below its top', () => {
  const scale = heatScale([1, 100, 0]);
  assert.ok(scale);
  assert.deepEqual([scale.min, scale.max], [1, 100]);
  assert.ok(Math.abs((scale.position(10) ?? 0) - 0.5) < 1e-12);
  assert.deepEqual([scale.position(1), scale.position(100), scale.position(0)], [0, 1, undefined]);
  const deep = heatScale([1e-9, 1]);
  assert.ok(deep);
  assert.ok(Math.abs(deep.min - 1e-4) < 1e-18);
  assert.equal(deep.position(1e-9), 0);
  assert.equal(heatScale([0, 0]), undefined);
  assert.equal(heatScale([3])?.position(3), 1);
});

test('figures have a contrast of 4.5 on every colour of the scale', () => {
  const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (rgb: readonly number[]) =>
    0.2126 * linear(rgb[0] / 255) + 0.7152 * linear(rgb[1] / 255) + 0.0722 * linear(rgb[2] / 255);
  for (const [background, accent] of [
    ['rgb(255, 255, 255)', 'rgb(0, 99, 211)'],
    ['rgb(31, 31, 31)', 'rgb(89, 164, 249)'],
    ['rgb(0, 0, 0)', 'rgb(89, 164, 249)'],
  ])
    for (let i = 0; i <= 100; i++) {
      const { fill, text } = heatColour({ background, accent } as Theme, i / 100);
      const under = luminance((fill.match(/\d+/g) ?? []).map(Number));
      const over = text === '#000000' ? 0 : 1;
      const ratio = (Math.max(under, over) + 0.05) / (Math.min(under, over) + 0.05);
      assert.ok(ratio >= 4.5, `${fill} under ${text}: ${ratio}`);
    }
});

test('layers follow the network, others come last', () => {
  const named = (...names: string[]) => names.map(name => ({ name }));
  assert.deepEqual(networkOrder(named('x', 'c', 'a', 'y'), named('a', 'b', 'c')), [2, 1, 0, 3]);
});

const cell = (page: Page, row: number, column: number) =>
  page.locator(`.heat tbody tr:nth-child(${row + 1}) td:nth-child(${column + 2})`);

describe('coupling of layers', { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  test('is shown where it was measured: the verdict, a matrix in the order of the network, and pairs', async () => {
    const open = await openPage(browser);
    const { page } = open;
    await open.show(doneState(smallReport()));
    assert.equal(await page.locator('.coupling').isVisible(), false);
    await open.show(doneState(studiedReport()));
    assert.match(
      await page.locator('.coupling .meaning').innerText(),
      /^Sensitivities of the layers should not be added: for errors .* 69\.0 ± 2\.9\u00a0% of .* lie outside .* measure the suggestion \(prove\)/,
    );
    assert.equal(await page.locator('.heat tbody td').count(), 49);
    // √(10 · 5) · 0.8, with 5 %; beside √(10 · 5).
    assert.match(
      (await cell(page, 0, 1).getAttribute('aria-label')) ?? '',
      /^conv1\.weight and layer1\.0\.conv1\.weight: norm 5\.66 ± 0\.28, 80\.0 ± 8\.0\u00a0% of the mean of their own blocks, /,
    );
    assert.match(
      (await cell(page, 6, 6).getAttribute('aria-label')) ?? '',
      /^fc\.weight alone: norm 1\.43, /,
    );
    assert.equal(await cell(page, 0, 0).innerText(), '10.00\n± 0.50');
    assert.match(
      await page.locator('.pairs tbody tr').first().innerText(),
      /^conv1\.weight\s*layer1\.0\.conv1\.weight\s+5\.66 ± 0\.28/,
    );
    assert.match(await page.locator('.readout').innerText(), /^conv1\.weight and layer1\.0\.conv1\.weight/);
    const fill = (l: number, m: number) =>
      cell(page, l, m).evaluate(one => getComputedStyle(one).backgroundColor);
    assert.equal(await fill(0, 1), await fill(1, 0));
    assert.notEqual(await fill(0, 0), await fill(6, 6));
    assert.deepEqual(open.problems, []);
    await open.close();
  });

  test('tells coupling from size, and keeps what is set', async () => {
    const open = await openPage(browser);
    const { page } = open;
    await open.show(doneState(studiedReport()));
    await page.locator('.coupling vscode-checkbox').click();
    assert.match(await page.locator('.coupling .legend').innerText(), /26\.2\u00a0%\s+80\.0\u00a0%/);
    // Equal neighbours are equally coupled, whatever their sizes, and a layer has no coupling with itself.
    const fill = (l: number, m: number) =>
      cell(page, l, m).evaluate(one => (one as HTMLElement).style.background);
    assert.equal(await fill(0, 1), await fill(5, 6));
    assert.equal(await fill(3, 3), '');
    await page.locator('.heat-side input').fill('4');
    assert.equal((await cell(page, 0, 0).boundingBox())?.width, 20);
    assert.equal(await cell(page, 0, 0).innerText(), '');
    const kept = await open.kept();
    await open.close();
    const again = await openPage(browser, { kept });
    await again.show(doneState(studiedReport()));
    assert.equal((await cell(again.page, 0, 0).boundingBox())?.width, 20);
    assert.match(await again.page.locator('.coupling .legend').innerText(), /80\.0\u00a0%/);
    await again.close();
  });

  test('small figures are set as in print, in cells that are large enough for them', async () => {
    const open = await openPage(browser);
    const { page } = open;
    const report = smallReport();
    const small = couplingOf(
      report,
      report.layers.map((_, l) => 8e-5 / (1 + l)),
    );
    await open.show(doneState({ ...report, studies: { coupling: small } }));
    assert.equal(await cell(page, 0, 0).innerText(), '8.00\n± 0.40\n×\u00a010⁻⁵');
    const cut = await page
      .locator('.heat tbody td > *')
      .evaluateAll(all => all.filter(one => one.scrollWidth > (one.parentElement?.clientWidth ?? 0)).length);
    assert.equal(cut, 0);
    await open.close();
  });

  test('is walked through with the keys, and read where the pointer is', async () => {
    const open = await openPage(browser);
    const { page } = open;
    await open.show(doneState(studiedReport()));
    const heat = page.locator('.heat');
    const readout = page.locator('.readout');
    assert.equal(await heat.locator('[tabindex="0"]').count(), 1);
    await cell(page, 0, 1).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('End');
    assert.match(await readout.innerText(), /^layer1\.0\.conv1\.weight and fc\.weight: /);
    await page.keyboard.press('ArrowRight');
    await cell(page, 3, 3).hover();
    assert.match(await readout.innerText(), /^layer2\.0\.conv1\.weight alone: /);
    await page.mouse.move(0, 0);
    assert.match(await readout.innerText(), /^layer1\.0\.conv1\.weight and fc\.weight: /);
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    assert.deepEqual((await open.posted()).at(-1), { type: 'revealLayer', layer: 'layer1.0.conv1.weight' });
    assert.equal(await heat.locator('tr.selected').count(), 1);
    await page.locator('.layer-table tbody .layer-name').nth(4).click();
    assert.equal(
      await heat.locator('tr.selected .layer-name').getAttribute('title'),
      'layer2.0.conv2.weight',
    );
    assert.equal(await heat.locator('thead th.selected').getAttribute('aria-label'), 'layer2.0.conv2.weight');
    await open.close();
  });

  test('sixty layers scroll within the panel, in every theme', async () => {
    const report = largeReport();
    const state = doneState({ ...report, studies: { coupling: couplingOf(report) } });
    for (const theme of themes) {
      const open = await openPage(browser, { theme, viewport: { width: 600, height: 900 } });
      await open.show(state);
      assert.equal(await open.page.locator('.heat tbody td').count(), 3600);
      const [inner, whole] = await open.page
        .locator('.heat-scroll')
        .evaluate(one => [one.clientWidth, one.scrollWidth]);
      assert.ok(whole > inner && inner < 600, `${whole} in ${inner}`);
      // Names stay where they are.
      await open.page.locator('.heat-scroll').evaluate(one => one.scrollTo(400, 400));
      const box = await open.page.locator('.heat-scroll').boundingBox();
      const name = await open.page.locator('.heat tbody th').nth(30).boundingBox();
      assert.ok(box && name && Math.abs(name.x - box.x) < 1);
      assert.deepEqual(open.problems, []);
      await open.close();
    }
  });
});
