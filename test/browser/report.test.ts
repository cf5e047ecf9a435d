import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Report } from '../../src/engine/report/schema';
import { launch, openPage, type OpenPage, skip } from './browser';
import {
  cancelledReport,
  cancelledState,
  doneState,
  failedState,
  hessianReport,
  hostileName,
  hostileReport,
  idleState,
  largeReport,
  notReachedReport,
  runningState,
  smallReport,
} from './fixtures';

/** Whether each visible canvas holds more than one colour. */
const drawn = (page: Page): Promise<boolean[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('canvas')]
      .filter(canvas => canvas.offsetParent !== null)
      .map(canvas => {
        const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
        return new Set(new Uint32Array(new Uint8ClampedArray(pixels).buffer)).size > 1;
      }),
  );

const visibleHeadings = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('main h2')]
      .filter(heading => heading.offsetParent !== null)
      .map(heading => heading.innerText),
  );

const text = (page: Page, selector: string): Promise<string> => page.locator(selector).first().innerText();

describe('the report page', { skip }, () => {
  let browser: Browser;
  let open: OpenPage;
  before(async () => {
    browser = await launch();
    open = await openPage(browser);
  });
  after(() => browser.close());

  test('shows every section of a finished report', async () => {
    await open.show(doneState(smallReport()));
    const { page } = open;
    assert.deepEqual(await visibleHeadings(page), [
      'Summary',
      'Budget: size against predicted loss',
      'Layers',
      'Sensitivity per layer',
      'Largest Hessian eigenvalues',
      'More to measure',
      'Diagnostics',
      'Provenance',
    ]);
    assert.match(await text(page, '.verdict'), /conv1\.weight/);
    assert.match(await text(page, '.heroes'), /15\d\sKB[\s\S]*effective bits[\s\S]*½ ΣΩ/);
    assert.match(await text(page, '.facts'), /calibration\.npz[\s\S]*0\.4317[\s\S]*GGN trace[\s\S]*CPU/);
    assert.equal(await page.locator('.layer-table tbody tr').count(), 7);
    assert.match(await text(page, '.meaning'), /λmax = 21\.84.*2\/λmax = 0\.0916/);
    assert.equal(await page.locator('.eigenvalues tbody tr').count(), 5);
    assert.deepEqual(await drawn(page), [true, true, true]);
    assert.deepEqual(open.problems, []);
  });

  test('says how the traces were come by, and names no threads where nobody set them', async () => {
    const sampled = smallReport();
    const facts = async (report: Report): Promise<string> => {
      await open.show(doneState(report));
      return text(open.page, '.facts');
    };
    assert.match(await facts(sampled), /sampled output factors, stops at 5\u00a0% error/);
    assert.match(await facts(sampled), /2 threads, took 9\.7\u00a0s/);
    const layers = sampled.layers.map(layer => {
      const ggn = layer.trace.ggn && { ...layer.trace.ggn, stderr: 0, exact: true };
      return { ...layer, trace: { ggn } };
    });
    const exact = await facts({ ...sampled, layers, settings: { ...sampled.settings, threads: 0 } });
    assert.match(exact, /GGN trace\s+exact\s/);
    assert.doesNotMatch(exact, /thread|stops at/);
    assert.match(
      await facts(hessianReport()),
      /GGN: sampled[^\n]+\s+Hessian: Hutchinson, stops at 5\u00a0% error; decides the bits/,
    );
  });

  test('every chart tells its finding to a screen reader', async () => {
    await open.show(doneState(smallReport()));
    const labels = await open.page
      .locator('canvas')
      .evaluateAll(all => all.map(one => one.getAttribute('aria-label')));
    assert.match(labels[0] ?? '', /Pareto frontier of \d+ points.*Suggested: /);
    assert.match(labels[1] ?? '', /Largest: conv1\.weight, 1\.481 ± 0\.0\d+; smallest: layer3/);
    assert.match(labels[2] ?? '', /5 eigenvalues.*2\/λmax.*λmin = −0\.4121 or less \(not converged\)/);
  });

  test('sixty layers stay in a window that scrolls', async () => {
    await open.show(doneState(largeReport()));
    const { page } = open;
    assert.equal(await page.locator('.layer-table tbody tr').count(), 60);
    const heights = await page.locator('.chart-scroll').evaluate(box => [box.clientHeight, box.scrollHeight]);
    assert.ok((heights[0] ?? 0) < 500 && (heights[1] ?? 0) > 1400, String(heights));
    const picture = () =>
      page.locator('.sensitivity canvas').evaluate(canvas => (canvas as HTMLCanvasElement).toDataURL());
    const top = await picture();
    await page.locator('.chart-scroll').evaluate(box => box.scrollTo(0, 600));
    await page.waitForTimeout(100);
    assert.notEqual(await picture(), top);
    assert.deepEqual(open.problems, []);
  });

  test('layers that were not reached are listed with the reason', async () => {
    await open.show(doneState(notReachedReport()));
    assert.match(
      await text(open.page, '.notes'),
      /conv1\.weight not reached: below node “\/roi\/NonMaxSuppression”/,
    );
    assert.match(await text(open.page, '.facts'), /Synthetic inputs\s+Not your data/);
    const severities = await open.page
      .locator('.diagnostics li')
      .evaluateAll(all => all.map(one => one.dataset.severity));
    assert.deepEqual(severities, ['error', 'warning', 'info']);
  });

  test('negative and zero traces are marked, exact and capped ones too', async () => {
    await open.show(doneState(hessianReport()));
    assert.match(await text(open.page, '.notes'), /layer1\.0\.conv2\.weight is not positive, −0\.0106 ± /);
    assert.match(await text(open.page, '.notes'), /layer2\.0\.conv2\.weight is not positive, \(0\.0 ± 8/);
    assert.match(await text(open.page, '.layer-table thead'), /GGN trace[\s\S]*Hessian trace/);
    assert.equal(await open.page.locator('.badge', { hasText: 'exact' }).count(), 1);
    assert.equal(await open.page.locator('.badge', { hasText: 'capped' }).count(), 4);
    assert.match(await text(open.page, '.meaning'), /One direction curves downwards/);
    assert.deepEqual(await drawn(open.page), [true, true, true]);
    assert.deepEqual(open.problems, []);
  });

  test('a running analysis shows how far it is above what it has', async () => {
    await open.show(runningState());
    const { page } = open;
    assert.equal(await page.getByRole('progressbar').getAttribute('aria-valuenow'), '42');
    assert.match(
      await text(page, '.progress'),
      /draw 3 of at most 64[\s\S]*relative error 12\s% \(goal 5\s%\)[\s\S]*about 12\ss left/,
    );
    assert.match(await text(page, '.notes'), /3 layers not measured yet/);
    assert.equal(await page.locator('.heroes').isVisible(), false);
    assert.equal(await page.locator('.frontier').isVisible(), false);
  });

  test('cancelled and failed runs say what is kept and what to do', async () => {
    await open.show(cancelledState());
    assert.match(await text(open.page, '.notice'), /Partial results are kept/);
    assert.equal(await open.page.locator('.layer-table tbody tr').count(), 7);
    await open.show(failedState);
    assert.match(
      await text(open.page, '.notice'),
      /no array for the input[\s\S]*Rename one, or choose another file/,
    );
    assert.deepEqual(await visibleHeadings(open.page), []);
    await open.show({
      ...doneState(cancelledReport()),
      phase: 'failed',
      error: { message: 'Out of memory.' },
    });
    assert.match(await text(open.page, '.notice'), /Out of memory/);
    await open.show(idleState);
    assert.equal(await open.page.locator('.notice:visible').count(), 0);
  });

  test('a budget that cannot be met is said above the frontier', async () => {
    const report = smallReport();
    assert.ok(report.budget);
    const budget = {
      ...report.budget,
      feasible: false,
      message: 'The smallest size is 10 KB, above the 5 KB asked for.',
    };
    await open.show(doneState({ ...report, budget }));
    assert.match(await text(open.page, '.frontier .notice'), /above the 5 KB/);
  });

  test('names from a model never become markup', async () => {
    await open.show(doneState(hostileReport()));
    assert.equal(await open.page.evaluate(() => 'hacked' in window), false);
    assert.equal(await open.page.locator('img').count(), 0);
    assert.equal(await open.page.locator('.layer-table tbody th').first().innerText(), hostileName);
    assert.deepEqual(open.problems, []);
  });
});
