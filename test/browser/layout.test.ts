import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { activationsReport } from './activationsFixture';
import { launch, openPage, skip } from './browser';
import { cancelledState, doneState, failedState, hessianReport, largeReport, runningState } from './fixtures';
import { metricsReport } from './metricsFixture';
import { spectrumReport } from './spectrumFixture';
import { stabilityReport } from './stabilityFixture';
import { studiedReport } from './studiesFixture';
import { themes } from './themes';

const widths = [1400, 1000, 700, 520, 420, 320];

const states = {
  large: doneState(largeReport()),
  hessian: doneState(hessianReport()),
  metrics: doneState(metricsReport()),
  activations: doneState(activationsReport()),
  spectrum: doneState(spectrumReport()),
  stability: doneState(stabilityReport()),
  studied: doneState(studiedReport()),
  running: runningState(),
  cancelled: cancelledState(),
  failed: failedState,
};

/** How far the page reaches beyond its window, and which elements do. */
const overflow = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const beyond = [...document.querySelectorAll<HTMLElement>('body *')].filter(
      one => one.getBoundingClientRect().right > clientWidth && !one.closest('.scrolling-full'),
    );
    return [`${scrollWidth} > ${clientWidth}`, ...beyond.map(one => `${one.tagName}.${one.className}`)];
  });

/** The same once charts have followed a new size, which a busy machine lets wait. */
async function settledOverflow(page: Page): Promise<string[]> {
  const until = Date.now() + 2000;
  for (;;) {
    await page.waitForTimeout(50);
    const found = await overflow(page);
    if (found.length === 0 || Date.now() > until) return found;
  }
}

/** The right edges of some elements, without those that aren't shown. */
const rightEdges = (page: Page, selector: string): Promise<number[]> =>
  page
    .locator(selector)
    .evaluateAll(all =>
      all.filter(one => one.getClientRects().length).map(one => one.getBoundingClientRect().right),
    );

/** Right edges of the figures of a column: of the text that comes first in a cell. */
const figureEdges = (page: Page, selector: string): Promise<number[]> =>
  page.locator(selector).evaluateAll(cells =>
    cells.map(cell => {
      const range = document.createRange();
      range.selectNode(cell.firstChild ?? cell);
      return range.getBoundingClientRect().right;
    }),
  );

describe('the layout of the report page', { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  test('nothing reaches beyond a page made narrower and wider', async () => {
    const open = await openPage(browser);
    for (const [name, state] of Object.entries(states)) {
      for (const width of [...widths, 1600]) {
        await open.page.setViewportSize({ width, height: 900 });
        await open.show(state);
        assert.deepEqual(await settledOverflow(open.page), [], `${name} at ${width} px`);
      }
      await open.page.setViewportSize({ width: 520, height: 900 });
      assert.deepEqual(await settledOverflow(open.page), [], `${name} at 520 px again`);
    }
    await open.close();
  });

  test('cards keep a margin on the right', async () => {
    const open = await openPage(browser);
    for (const width of widths) {
      await open.page.setViewportSize({ width, height: 900 });
      await open.show(states.hessian);
      const edges = await rightEdges(open.page, '.tile, .panel');
      assert.ok(edges.length > 8 && Math.max(...edges) <= width - 12, `${Math.max(...edges)} of ${width}`);
    }
    await open.close();
  });

  test('figures stand under each other and their heading, whatever is said beside them', async () => {
    const report = hessianReport();
    const layers = report.layers.map(layer => {
      const ggn = layer.trace.ggn && { ...layer.trace.ggn, stderr: 0, exact: true };
      return { ...layer, trace: { ...layer.trace, ggn } };
    });
    const open = await openPage(browser);
    await open.show(doneState({ ...report, layers }));
    for (const matrix of ['ggn', 'hessian']) {
      const heading = open.page.locator(`.layer-table th[data-column="trace-${matrix}"]`);
      const position = await heading.evaluate(cell => (cell as HTMLTableCellElement).cellIndex + 1);
      const cells = `.layer-table tbody td:nth-child(${position})`;
      const figures = await figureEdges(open.page, cells);
      assert.equal(figures.length, 7);
      assert.ok(Math.max(...figures) - Math.min(...figures) < 0.6, figures.join(' '));
      // The places of errors have a right edge too, even where they are empty.
      const [end = 0] = await rightEdges(open.page, `${cells} .error`);
      const right = await heading.locator('.sort').evaluate(press => press.getBoundingClientRect().right);
      assert.ok(Math.abs(right - 5 - end) < 2, `${matrix}: ${right} above ${end}`);
    }
    const box = open.page.locator('.layer-table .scrolling-full');
    const [inner = 0, whole = 0] = await box.evaluate(one => [one.clientWidth, one.scrollWidth]);
    assert.ok(whole <= inner, `at 1400 px the table is ${whole} px wide in ${inner}`);
    await open.close();
  });
});

/** Colours as they are seen on the page's background, and whether any is translucent. */
const widthColours = (page: Page): Promise<{ name: string; pixel: number[]; alpha: number }[]> =>
  page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    if (!canvas) return [];
    const probe = document.body.appendChild(document.createElement('span'));
    return ['background', ...[2, 3, 4, 6, 8, 16].map(bits => `bits-${bits}`)].map(name => {
      probe.style.color = `var(--cv-${name})`;
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = getComputedStyle(probe).color;
      canvas.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
      return { name, pixel: [red, green, blue], alpha };
    });
  });

function luminance(pixel: readonly number[]): number {
  const linear = (value = 0) => (value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(pixel[0]) + 0.7152 * linear(pixel[1]) + 0.0722 * linear(pixel[2]);
}

function contrast(a: readonly number[], b: readonly number[]): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

describe('the colours of bit widths', { skip }, () => {
  for (const theme of themes) {
    test(`are opaque, distinct and clear of the background in the ${theme.name} theme`, async () => {
      const browser = await launch();
      const open = await openPage(browser, { theme });
      await open.show(states.large);
      const [background, ...colours] = await widthColours(open.page);
      await browser.close();
      assert.ok(background);
      assert.equal(colours.length, 6);
      for (const { name, pixel, alpha } of colours) {
        assert.equal(alpha, 255, `${name} is translucent`);
        const ratio = contrast(pixel, background.pixel);
        assert.ok(ratio >= 3, `${name}: ${ratio.toFixed(2)} to 1`);
      }
      const pairs = colours.flatMap((a, i) => colours.slice(i + 1).map(b => [a, b] as const));
      for (const [a, b] of pairs) {
        const distance = Math.hypot(...a.pixel.map((value, i) => value - (b.pixel[i] ?? 0)));
        assert.ok(distance > 40, `${a.name} and ${b.name}: ${distance.toFixed(0)}`);
      }
    });
  }
});
