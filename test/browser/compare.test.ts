import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import axe, { type AxeResults } from 'axe-core';
import type { Browser } from 'playwright-core';
import { renderComparison } from '../../src/cli/html';
import { compareReports } from '../../src/engine/report/compareReports';
import { advice, verdict } from '../../webview/compare/comparisonWords';
import { findings } from '../../webview/compare/hessianWords';
import { assets, launch, openPage, skip, watchProblems } from './browser';
import { compareState, hessianComparison, largeComparison, shifted } from './compareFixture';
import { hessianReport, hostileName, hostileReport, smallReport } from './fixtures';
import { themes } from './themes';

const words = (phrases: ReturnType<typeof verdict>): string =>
  phrases.map(phrase => (typeof phrase === 'string' ? phrase : phrase.layer)).join('');

test('the verdict counts what differs, names the largest change and what it does to the bits', () => {
  const a = smallReport();
  const comparison = compareReports(a, shifted(a));
  const differing = comparison.layers.filter(l => Math.abs(l.z ?? 0) > 3).length;
  const most = comparison.layers.reduce((x, y) =>
    Math.abs(Math.log(y.b.estimate / y.a.estimate)) > Math.abs(Math.log(x.b.estimate / x.a.estimate)) ? y : x,
  );
  const said = words(verdict(comparison));
  assert.ok(said.startsWith(`The traces of ${differing} of 7 layers differ beyond their errors`), said);
  assert.ok(said.includes(`most of all that of ${most.name}: A’s is`), said);
  assert.ok(said.endsWith('The suggestions differ in 2 layers.'), said);
  assert.match(advice(comparison), /^The widths depend on the data/);
});

test('two equal reports do not differ, and either suggestion serves both', () => {
  const same = compareReports(smallReport(), smallReport());
  assert.equal(
    words(verdict(same)),
    'No layer’s trace differs beyond its error. The suggested bits are the same.',
  );
  assert.equal(advice(same), 'Either suggestion serves both.');
});

test('reports without a layer in common have nothing to say', () => {
  const b = smallReport();
  const renamed = { ...b, layers: b.layers.map(l => ({ ...l, name: `other.${l.name}` })) };
  const apart = compareReports(b, renamed);
  assert.match(words(verdict(apart)), /no measured layer of one name/);
  assert.equal(advice(apart), '');
});

test('each measure of two Hessians has a meaning', () => {
  const meaningOf = (change: Partial<ReturnType<typeof hessianComparison>>): string =>
    findings({ ...hessianComparison(), ...change })
      .map(({ meaning }) => meaning)
      .join('\n');
  const said = meaningOf({});
  // 6.93 of 18.9; 5 of 650 directions; 0.11 radians.
  assert.match(said, /^37\u00a0% of the larger λmax: some directions differ clearly/);
  assert.match(said, /0\.0077 for random ones: the steepest directions are partly the same.*6\.3°/);
  assert.match(meaningOf({ overlap: 0.95 }), /the steepest directions are the same/);
  assert.match(meaningOf({ angles: [0, 3e-8] }), /Principal angles all below 0\.001°\./);
  assert.match(meaningOf({ angles: [3e-8, 0.11] }), /Principal angles <0\.001°, 6\.3°\./);
  assert.match(meaningOf({ overlap: 0.01 }), /no nearer than directions drawn at random/);
  assert.match(meaningOf({ difference: { value: -0.5, residual: 0.1, converged: false } }), /a lower bound/);
  assert.match(meaningOf({ gradientCosine: -0.4 }), /Descending on one raises the other/);
  const { settings } = hessianComparison();
  assert.match(meaningOf({ settings: { ...settings, loss: 'kl' } }), /this says nothing/);
});

describe('two reports side by side', { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  test('are shown in every theme: verdict, totals, a table to every chart', async () => {
    for (const theme of themes) {
      const open = await openPage(browser, { theme, name: 'compare' });
      const { page, problems } = open;
      await open.show(compareState());
      assert.match(await page.locator('.verdict').innerText(), /^The traces of 6 of 7 layers differ/);
      const glance = page.getByRole('table', { name: 'Both reports at a glance' });
      assert.match(await glance.innerText(), /Samples\s+512\s+256/);
      assert.match(
        await page.locator('.glance .notes').innerText(),
        /numbers of samples differ: 512 and 256/,
      );
      const rows = page.locator('.compared-layers tbody tr');
      assert.equal(await rows.count(), 7);
      // 640 of the fixture against what it was multiplied by; ± its error, and a ratio with an interval.
      assert.match(
        await rows.first().innerText(),
        /conv1\.weight\s+640 ± 27\s+312 ± 13\s+0\.487 \(0\.43 to 0\.55\)/,
      );
      assert.match(await rows.nth(1).innerText(), /4 bit\s*→\s*8 bit/);
      const chart = page.locator('canvas[role=img]');
      assert.match((await chart.getAttribute('aria-label')) ?? '', /Largest ratio B by A: layer2\.0\.conv2/);
      assert.deepEqual(problems, []);
      await open.close();
    }
  });

  test('differing layers are bold, others are not', async () => {
    const open = await openPage(browser, { name: 'compare' });
    const { page } = open;
    await open.show(compareState());
    const bold = await page.locator('.compared-layers tr.differs th').allInnerTexts();
    assert.equal(bold.length, 6);
    assert.ok(!bold.includes('layer1.0.conv2.weight'));
    await open.close();
  });

  test('by keyboard: order, opening a side, measuring and cancelling; the order is kept', async () => {
    const first = await openPage(browser, { name: 'compare' });
    await first.show(compareState());
    await first.page.locator('vscode-checkbox').focus();
    await first.page.keyboard.press('Space');
    const names = first.page.locator('.compared-layers tbody th');
    assert.equal(await names.first().innerText(), 'layer2.0.conv2.weight');
    await first.page.locator('vscode-button', { hasText: 'Open B' }).focus();
    await first.page.keyboard.press('Enter');
    await first.page.locator('vscode-button', { hasText: 'Compare Hessians' }).focus();
    await first.page.keyboard.press('Enter');
    const progress = { stage: 'eigenvalues', message: 'Largest eigenvalues', fraction: 0.4 } as const;
    await first.show({ ...compareState(), hessians: { phase: 'running', progress } });
    assert.equal(await first.page.getByRole('progressbar').getAttribute('aria-valuenow'), '40');
    await first.page.locator('vscode-button', { hasText: 'Cancel' }).focus();
    await first.page.keyboard.press('Enter');
    await first.show({ ...compareState(), hessians: { phase: 'idle', canResume: true } });
    assert.equal(
      await first.page.locator('vscode-button', { hasText: 'Compare Hessians' }).isVisible(),
      false,
    );
    await first.page.locator('vscode-button', { hasText: 'Resume' }).click();
    assert.deepEqual(
      (await first.posted()).filter(({ type }) => type !== 'ready'),
      [
        { type: 'openReport', side: 'b' },
        { type: 'compareHessians' },
        { type: 'cancel' },
        { type: 'compareHessians' },
      ],
    );
    const kept = await first.kept();
    assert.deepEqual((kept as { sources: string[] }).sources, compareState().sources);
    await first.close();
    const second = await openPage(browser, { name: 'compare', kept });
    await second.show(compareState());
    assert.equal(
      await second.page.locator('.compared-layers tbody th').first().innerText(),
      'layer2.0.conv2.weight',
    );
    await second.close();
  });

  test('Hessians are shown with their meaning, or why there are none', async () => {
    const open = await openPage(browser, { name: 'compare' });
    const { page, problems } = open;
    const reason = 'resnet8.onnx is neither beside its report nor in the workspace.';
    await open.show({ ...compareState(), hessians: { phase: 'unavailable', reason } });
    const panel = page.locator('.hessians');
    assert.ok((await panel.innerText()).includes(reason));
    assert.equal(await panel.locator('vscode-button:visible').count(), 0);
    await open.show({
      ...compareState(),
      hessians: { phase: 'idle', error: { message: 'It failed.', hint: 'Do that.' } },
    });
    assert.match(await panel.getByRole('alert').innerText(), /It failed\. Do that\./);
    const notes = ['The data shifted.npz have changed since report B.'];
    await open.show({
      ...compareState(),
      hessians: { phase: 'done', comparison: hessianComparison(), notes },
    });
    assert.equal(await panel.locator('.findings dt').count(), 4);
    assert.match(await panel.locator('.findings').innerText(), /6\.930[^]*0\.690[^]*0\.934[^]*0\.812/);
    const table = panel.getByRole('table', { name: 'Largest eigenvalues of both Hessians' });
    assert.match(await table.innerText(), /λ1\s+12\.40\s+18\.90[^]*λ5\s+3\.130 residual 0\.03/);
    assert.ok((await panel.innerText()).includes(notes[0] ?? ''));
    assert.deepEqual(problems, []);
    await open.close();
  });

  test('a page that failed says so and shows nothing else', async () => {
    const open = await openPage(browser, { name: 'compare' });
    const { page } = open;
    const { comparison: _, ...rest } = compareState();
    await open.show({ ...rest, error: { message: 'b.curvature.json is no report.' } });
    assert.match(await page.getByRole('alert').innerText(), /is no report/);
    assert.equal(await page.locator('main section:visible').count(), 0);
    await open.close();
  });

  test('negative traces, exact ones and hostile names are no trouble', async () => {
    const open = await openPage(browser, { name: 'compare' });
    const { page, problems } = open;
    await open.show(compareState(hessianReport(), hessianReport()));
    assert.match(
      await page.locator('.glance .notes').innerText(),
      /not above 0 beyond its error there is no ratio/,
    );
    assert.match(await page.locator('.compared-layers tbody tr').nth(6).innerText(), /equal/);
    await open.show(compareState(hostileReport(), hostileReport()));
    assert.ok((await page.locator('.glance').innerText()).includes(hostileName.split('/').at(-1) ?? ''));
    assert.equal(await page.evaluate(() => 'hacked' in window), false);
    assert.deepEqual(problems, []);
    await open.close();
  });

  test('sixty layers fit at 600 px without a sideways scroll of the page', async () => {
    const viewport = { width: 600, height: 900 };
    const open = await openPage(browser, { name: 'compare', viewport });
    const { page, problems } = open;
    await open.show(largeComparison());
    assert.equal(await page.locator('.compared-layers tbody tr').count(), 60);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    const box = await page.locator('.chart-pane canvas').boundingBox();
    assert.ok(box && box.height < 800, 'the canvas holds only the rows in view');
    assert.deepEqual(problems, []);
    await open.close();
  });

  test('Hessians fit at 320 px without a sideways scroll of the page', async () => {
    const open = await openPage(browser, { name: 'compare', viewport: { width: 320, height: 800 } });
    const hessians = { phase: 'done', comparison: hessianComparison(), notes: [] } as const;
    await open.show({ ...compareState(), hessians });
    await open.page.waitForTimeout(200);
    assert.equal(await open.page.evaluate(() => document.documentElement.scrollWidth), 320);
    await open.close();
  });

  test('has no violations that axe knows', async () => {
    for (const theme of themes) {
      const open = await openPage(browser, { theme, name: 'compare', bypassCSP: true });
      const { page } = open;
      const done = { phase: 'done', comparison: hessianComparison(), notes: [] } as const;
      for (const hessians of [{ phase: 'idle' } as const, done]) {
        await open.show({ ...compareState(), hessians });
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate(() =>
          (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
        );
        const said = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
        assert.deepEqual(said, [], theme.name);
      }
      await open.close();
    }
  });

  test('saved as HTML opens by itself, without buttons', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'curvature-'));
    const a = smallReport();
    const html = renderComparison(
      compareReports(a, shifted(a)),
      ['a.json', 'b.json'],
      await assets('compare'),
    );
    const file = path.join(folder, 'compared.html');
    await writeFile(file, html);
    const page = await browser.newPage();
    const problems = watchProblems(page);
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('.compared-layers tbody tr');
    assert.equal(await page.locator('h1').innerText(), 'a.json ↔ b.json');
    assert.equal(await page.locator('vscode-button:visible').count(), 0);
    assert.deepEqual(problems, []);
    await page.close();
    await rm(folder, { recursive: true });
  });
});

test('the page’s bundle holds neither HiGHS nor zod', async () => {
  const { script } = await assets('compare');
  assert.doesNotMatch(script, /loadHighs|highs\.wasm|ZodError/);
});
