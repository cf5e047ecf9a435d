import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { FromView } from '../../src/protocol/view';
import { openPage, skip } from './browser';
import {
  cancelledState,
  doneState,
  failedState,
  idleState,
  largeReport,
  runningState,
  smallReport,
} from './fixtures';
import { freshPages } from './freshPages';
import { stabilityReport } from './stabilityFixture';
import { studiedReport } from './studiesFixture';

const names = (page: Page): Promise<string[]> => page.locator('.layer-table tbody th').allInnerTexts();

const sortedBy = (page: Page, column: string): Promise<string | null> =>
  page.locator(`.layer-table th[data-column="${column}"]`).getAttribute('aria-sort');

const buttonNames = (page: Page): Promise<string[]> =>
  page
    .locator('.actions vscode-button')
    .evaluateAll(all => all.map(one => one.getAttribute('aria-label') ?? one.textContent ?? ''));

/** What can be done with any report. */
const saves = ['Compare with another report', 'Save as JSON', 'Save as HTML', 'Save as CSV'];
const resume = 'Resume: go on with the probes that are kept, to the numbers of a run that was not cut short';

describe('using the report page', { skip }, () => {
  const pages = freshPages();

  test('asks for the state once it listens', async () => {
    const { open } = pages;
    assert.deepEqual(await open.posted(), [{ type: 'ready' }]);
  });

  test('every phase offers what can be done in it', async () => {
    const { open } = pages;
    const cases = [
      [idleState, ['Analyze', 'Choose Data…']],
      [runningState(), ['Cancel']],
      [doneState(smallReport()), ['Analyze Again', 'Choose Data…', ...saves]],
      [cancelledState(), ['Retry', 'Choose Data…', ...saves]],
      [{ ...cancelledState(), canResume: true }, [resume, 'Retry', 'Choose Data…', ...saves]],
      [failedState, ['Retry', 'Choose Data…']],
      [{ ...doneState(smallReport()), canAnalyze: false }, saves],
      [{ ...failedState, canAnalyze: false }, []],
    ] as const;
    for (const [state, expected] of cases) {
      await open.show(state);
      assert.deepEqual(await buttonNames(open.page), expected, state.phase);
    }
  });

  test('studies that were cut short are resumed, and say that they are not whole', async () => {
    const { open, page } = pages;
    await open.show({ ...doneState(smallReport()), resumable: ['coupling'] });
    await page
      .locator('.offers')
      .getByRole('button', { name: /^Resume: Coupling of layers/ })
      .click();
    const expected = { type: 'study', kind: 'coupling', choice: { resume: true } };
    assert.deepEqual((await open.posted()).at(-1), expected);

    const { studies, ...report } = studiedReport();
    const { coupling, trust } = studies ?? {};
    assert.ok(coupling && trust);
    const cut = { coupling: { ...coupling, complete: false, probes: 3 }, trust };
    const state = { ...doneState({ ...report, studies: cut }), resumable: ['coupling'] as const };
    await open.show(state);
    assert.match(await page.locator('.coupling .notice').innerText(), /stopped before it was through/);
    assert.match(await page.locator('.coupling .left-out').innerText(), /3 random vectors/);
    assert.equal(await page.locator('.trust .notice').isVisible(), false);
    assert.equal(
      await page
        .locator('.trust')
        .getByRole('button', { name: /^Resume/ })
        .count(),
      0,
    );
    await page
      .locator('.coupling')
      .getByRole('button', { name: /^Resume: Coupling/ })
      .click();
    assert.deepEqual((await open.posted()).at(-1), expected);
    await open.show({ ...state, study: { kind: 'coupling' }, resumable: undefined });
    assert.match(await page.locator('.coupling .notice').innerText(), /^Being measured/);
  });

  test('a report whose studies are hardly begun is shown without a fault', async () => {
    const { open } = pages;
    const { studies, ...report } = studiedReport();
    const { trust } = studies ?? {};
    assert.ok(trust);
    const [{ name, steps }] = trust.layers;
    const begun = { ...trust, complete: false, layers: [{ name, steps: steps.slice(0, 1) }] };
    const { studies: others } = stabilityReport();
    assert.ok(others?.stability);
    const stability = { ...others.stability, complete: false, noise: null, batchSizes: [] };
    await open.show(doneState({ ...report, studies: { trust: begun, stability } }));
    for (const panel of ['.trust', '.learning-rates'])
      assert.match(await open.page.locator(`${panel} .notice`).innerText(), /stopped before/);
    assert.deepEqual(open.problems, []);
  });

  test('buttons send their messages', async () => {
    const { open } = pages;
    const press = async (name: string) =>
      open.page.locator('.actions').getByRole('button', { name, exact: true }).first().click();
    await open.show(idleState);
    await press('Analyze');
    await press('Choose Data…');
    await open.show(runningState());
    await press('Cancel');
    await open.show(failedState);
    await press('Retry');
    await open.show(doneState(smallReport()));
    for (const name of saves) await open.page.locator(`.actions [aria-label="${name}"]`).first().click();
    const expected: FromView[] = [
      { type: 'ready' },
      { type: 'analyze' },
      { type: 'chooseData' },
      { type: 'cancel' },
      { type: 'retry' },
      { type: 'compare' },
      { type: 'saveReport', format: 'json' },
      { type: 'saveReport', format: 'html' },
      { type: 'saveReport', format: 'csv' },
    ];
    assert.deepEqual(await open.posted(), expected);
  });

  test('the table sorts by mouse and by keyboard', async () => {
    const { open, page } = pages;
    await open.show(doneState(smallReport()));
    const network = await names(page);
    assert.equal(await sortedBy(page, 'network'), 'ascending');
    await page.getByRole('button', { name: 'Weights' }).click();
    assert.equal(await sortedBy(page, 'parameters'), 'descending');
    assert.equal((await names(page))[0], 'layer3.0.conv1.weight');
    await page.getByRole('button', { name: 'Avg. trace' }).focus();
    await page.keyboard.press('Enter');
    assert.equal(await sortedBy(page, 'averageTrace'), 'descending');
    assert.equal(await sortedBy(page, 'parameters'), 'none');
    await page.keyboard.press('Space');
    assert.equal(await sortedBy(page, 'averageTrace'), 'ascending');
    assert.equal((await names(page)).at(-1), 'conv1.weight');
    for (const column of await page.locator('.layer-table thead .sort').all()) await column.click();
    await page.getByRole('button', { name: '#' }).click();
    assert.deepEqual(await names(page), network);
  });

  test('rows are walked with arrow keys and revealed with Enter or a click', async () => {
    const { open, page } = pages;
    await open.show(doneState(smallReport()));
    await page.locator('.layer-name').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.locator('.layer-table tbody tr').nth(3).locator('td').nth(4).click();
    const revealed = (await open.posted()).flatMap(message =>
      message.type === 'revealLayer' ? [message.layer] : [],
    );
    assert.deepEqual(revealed, ['layer1.0.conv2.weight', 'fc.weight', 'layer2.0.conv1.weight']);
    assert.equal(await page.locator('.layer-table tr.selected th').innerText(), 'layer2.0.conv1.weight');
  });

  test('the chart shows the chosen quantity', async () => {
    const { open, page } = pages;
    await open.show(doneState(smallReport()));
    await page.locator('.sensitivity vscode-dropdown').click();
    await page.locator('vscode-option', { hasText: 'Ω at 4 bits' }).click();
    const label = () => page.locator('.sensitivity canvas').getAttribute('aria-label');
    assert.match((await label()) ?? '', /^Ω at 4 bits per layer/);
    await page.locator('.sensitivity vscode-checkbox').focus();
    await page.keyboard.press('Space');
    assert.deepEqual(await open.kept(), { ...((await open.kept()) as object), measure: '4', byValue: true });
  });

  test('new results keep rows, focus, scroll position and order', async () => {
    const { open, page } = pages;
    const report = largeReport();
    await open.show(doneState(report));
    await page.getByRole('button', { name: 'Weights' }).click();
    await page.locator('.layer-table .scrolling-full').evaluate(box => box.scrollTo(0, 300));
    await page.locator('.layer-name').nth(20).focus();
    const scrollTop = () => page.locator('.layer-table .scrolling-full').evaluate(box => box.scrollTop);
    const before = [await names(page), await scrollTop()];
    await page
      .locator('.layer-table tbody tr')
      .evaluateAll(rows => rows.forEach(row => row.setAttribute('data-old', '')));
    const layers = report.layers.map((layer, i) => (i === 20 ? { ...layer, averageTrace: 123.4 } : layer));
    await open.show(doneState({ ...report, layers }));
    assert.deepEqual([await names(page), await scrollTop()], before);
    assert.equal(await page.locator('.layer-table tbody tr[data-old]').count(), 60);
    assert.match(await page.locator('.layer-table tbody').innerText(), /\b123\b/);
    assert.equal(await page.evaluate(() => document.activeElement?.className), 'layer-name');
  });

  test('a study tells how it goes, and that it failed, where it was asked for', async () => {
    const { open, page } = pages;
    const done = doneState(smallReport());
    const progress = { stage: 'density', message: 'Density: step 3 of 80', fraction: 0.4 } as const;
    await open.show({ ...done, study: { kind: 'spectrum', progress } });
    const more = page.locator('#more');
    assert.equal(await more.getByRole('progressbar').getAttribute('aria-valuenow'), '40');
    await more.locator('vscode-button', { hasText: 'Cancel' }).click();
    assert.deepEqual((await open.posted()).at(-1), { type: 'cancel' });
    await open.show({ ...done, error: { message: 'Out of memory.', hint: 'Take fewer samples.' } });
    assert.equal(await more.locator('.notice').innerText(), 'Out of memory. Take fewer samples.');
    assert.equal(await more.getByRole('progressbar').count(), 0);
    await open.show(done);
    assert.equal(await more.locator('.notice').isVisible(), false);
  });

  test('a page made anew stands where the old one stood', async () => {
    const { browser, open, page } = pages;
    await open.show(doneState(largeReport()));
    await page.getByRole('button', { name: 'Weights' }).click();
    await page.getByRole('button', { name: 'Provenance' }).click();
    await page.locator('.chart-scroll').evaluate(box => box.scrollTo(0, 240));
    await page.evaluate(() => window.scrollTo(0, 350));
    await page.waitForTimeout(100);
    const kept = await open.kept();
    const again = await openPage(browser, { kept });
    await again.show(doneState(largeReport()));
    assert.equal(await sortedBy(again.page, 'parameters'), 'descending');
    const provenance = again.page.getByRole('button', { name: 'Provenance' });
    assert.equal(await provenance.getAttribute('aria-expanded'), 'true');
    assert.equal(await again.page.locator('.chart-scroll').evaluate(box => box.scrollTop), 240);
    const scrolled = await again.page.evaluate(() => window.scrollY);
    assert.ok(Math.abs(scrolled - 350) <= 2, `scrolled to ${scrolled}`);
    assert.deepEqual(again.problems, []);
    await again.close();
  });

  test('a theme switched while the page is open repaints the charts', async () => {
    const { open, page } = pages;
    await open.show(doneState(smallReport()));
    const picture = () =>
      page.locator('.sensitivity canvas').evaluate(canvas => (canvas as HTMLCanvasElement).toDataURL());
    const dark = await picture();
    await page.evaluate(() => {
      document.documentElement.style.setProperty('--vscode-charts-yellow', '#00ff00');
      document.body.className = 'vscode-light';
    });
    await page.waitForTimeout(150);
    assert.notEqual(await picture(), dark);
  });
});
