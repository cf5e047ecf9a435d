import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { spectrumKey } from '../../src/engine/report/spectrumKey';
import { openPage, skip } from './browser';
import { doneState, idleState, smallReport } from './fixtures';
import { freshPages } from './freshPages';
import { metricsReport } from './metricsFixture';
import { spectrumReport } from './spectrumFixture';
import { studiedReport } from './studiesFixture';

/** A report with a section of every kind. */
const whole = () =>
  doneState({
    ...metricsReport(),
    studies: { ...studiedReport().studies, spectra: spectrumReport().studies?.spectra ?? [] },
  });

const links = (page: Page) => page.getByRole('navigation', { name: 'Sections' }).getByRole('link');
const link = (page: Page, name: string) => links(page).filter({ hasText: new RegExp(`^${name}$`) });
const current = (page: Page): Promise<string[]> => page.locator('.contents [aria-current]').allInnerTexts();

/** Where a section begins, below the list of contents. */
const below = (page: Page, id: string): Promise<number> =>
  page
    .locator(`#${id}`)
    .evaluate(
      section =>
        section.getBoundingClientRect().top -
        (document.querySelector('.contents')?.getBoundingClientRect().bottom ?? 0),
    );

const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.id ?? '');

describe('the list of contents', { skip }, () => {
  const pages = freshPages();

  test('names the sections that are there, in their order on the page', async () => {
    const { open, page } = pages;
    await open.show(whole());
    assert.deepEqual(await links(page).allInnerTexts(), [
      ...['Summary', 'Budget', 'Layers', 'Sensitivity', 'Eigenvalues', 'Prediction', 'Proof', 'Spectrum'],
      ...['Coupling', 'Trust', 'More to measure', 'Diagnostics', 'Provenance'],
    ]);
    const places = await page
      .locator('main section:visible')
      .evaluateAll(sections => sections.map(({ id }) => `#${id}`));
    assert.deepEqual(await links(page).evaluateAll(all => all.map(one => one.getAttribute('href'))), places);
    await open.show(doneState(smallReport()));
    assert.ok(!(await links(page).allInnerTexts()).includes('Spectrum'));
    await open.show(idleState);
    assert.equal(await links(page).count(), 0);
  });

  test('goes to a section, also by keyboard, and marks it', async () => {
    const { open, page } = pages;
    await open.show(whole());
    for (const name of ['Spectrum', 'Eigenvalues', 'Sensitivity', 'Provenance']) {
      await link(page, name).focus();
      await page.keyboard.press('Enter');
      await page.waitForTimeout(100);
      const id = name.toLowerCase();
      assert.deepEqual(await current(page), [name]);
      assert.equal(await focused(page), id);
      const top = await below(page, id);
      assert.ok(top >= 0 && top < 900, `${name} begins ${top} px below the list`);
      if (name !== 'Provenance') assert.ok(top < 30, `${name} begins ${top} px below the list`);
    }
    await link(page, 'Spectrum').click();
    await page.keyboard.press('Tab');
    assert.ok(
      await page.evaluate(() => document.activeElement?.closest('#spectrum')),
      'the next control is one of the section',
    );
    assert.deepEqual(open.problems, []);
  });

  test('stays in view and follows what is scrolled to', async () => {
    const { open, page } = pages;
    await open.show(whole());
    assert.deepEqual(await current(page), ['Summary']);
    for (const id of ['layers', 'proof', 'coupling']) {
      await page.locator(`#${id}`).evaluate(section => {
        window.scrollTo(0, window.scrollY + section.getBoundingClientRect().top);
      });
      await page.waitForTimeout(150);
      assert.equal((await current(page)).join().toLowerCase(), id);
      const box = await page.locator('.contents').boundingBox();
      assert.ok(box && Math.abs(box.y) < 1, `the list is at ${box?.y}`);
    }
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    await page.waitForTimeout(150);
    assert.deepEqual(await current(page), ['Provenance']);
  });

  test('is one line that scrolls to what it marks where the page is narrow, and is not printed', async () => {
    const { open, page } = pages;
    await page.setViewportSize({ width: 320, height: 700 });
    await open.show(whole());
    await link(page, 'Trust').click();
    await page.waitForTimeout(150);
    const box = await page.locator('.contents [aria-current]').boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 320, `the mark is at ${box?.x}`);
    assert.ok(((await page.locator('.contents').boundingBox())?.height ?? 99) < 45);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(wide, 320);
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.locator('.contents').isVisible(), false);
  });

  test('sections that are folded away stay so in a page made anew, and open when gone to', async () => {
    const { browser, open, page } = pages;
    await open.show(whole());
    const heading = page.getByRole('button', { name: 'Coupling of layers', exact: true });
    assert.equal(await heading.getAttribute('aria-expanded'), 'true');
    await heading.click();
    assert.equal(await page.locator('#coupling table').first().isVisible(), false);
    const again = await openPage(browser, { kept: await open.kept() });
    await again.show(whole());
    const coupling = again.page.locator('#coupling');
    assert.equal(await coupling.locator('table').first().isVisible(), false);
    await link(again.page, 'Coupling').click();
    assert.equal(await coupling.locator('.fold').getAttribute('aria-expanded'), 'true');
    // Cells are as large as if the section had never been folded.
    const side = (shown: Page) =>
      shown
        .locator('#coupling tbody td')
        .first()
        .evaluate(cell => cell.getBoundingClientRect().width);
    const fresh = await openPage(browser);
    await fresh.show(whole());
    assert.equal(await side(again.page), await side(fresh.page));
    assert.deepEqual([...again.problems, ...open.problems], []);
    await again.close();
    await fresh.close();
  });

  test('turns to the spectrum that is asked for, once', async () => {
    const { open, page } = pages;
    const report = spectrumReport();
    const [first, second] = report.studies?.spectra ?? [];
    assert.ok(first && second);
    const asked = { ...doneState(report), askedSpectrum: { key: spectrumKey(second), at: 1000 } };
    await open.show(asked);
    const choice = page.locator('#spectrum vscode-dropdown').first();
    const chosen = () => choice.evaluate(one => (one as HTMLSelectElement).value);
    assert.equal(await chosen(), spectrumKey(second));
    assert.ok(Math.abs(await below(page, 'spectrum')) < 30);
    assert.deepEqual(await current(page), ['Spectrum']);
    await page.evaluate(() => window.scrollTo(0, 0));
    await open.show(asked);
    assert.equal(await page.evaluate(() => window.scrollY), 0);
    await open.show({ ...asked, askedSpectrum: { key: spectrumKey(first), at: 2000 } });
    assert.equal(await chosen(), spectrumKey(first));
    assert.ok(Math.abs(await below(page, 'spectrum')) < 30);
  });

  test('rows of layers that derivatives reach have what VS Code’s menu needs', async () => {
    const { open, page } = pages;
    const report = smallReport();
    const layers = report.layers.map((layer, i) =>
      i === 1 ? { ...layer, method: 'differences' as const } : layer,
    );
    await open.show(doneState({ ...report, layers }));
    const contexts = await page
      .locator('.layer-table tbody tr')
      .evaluateAll(rows => rows.map(row => (row as HTMLElement).dataset.vscodeContext));
    assert.deepEqual(
      contexts.map(text => (text === undefined ? undefined : (JSON.parse(text) as unknown))),
      layers.map(({ name }, i) => (i === 1 ? undefined : { webviewSection: 'layer', layer: name })),
    );
  });
});
