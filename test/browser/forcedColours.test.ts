import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launch, openPage, type OpenPage, skip } from './browser';
import { doneState, runningState } from './fixtures';
import { studiedReport } from './studiesFixture';
import { themes } from './themes';

const background = (page: Page): Promise<string> =>
  page.evaluate(() => getComputedStyle(document.body).backgroundColor);

/** Backgrounds as they are painted, each once. */
const painted = (page: Page, selector: string, part?: string): Promise<string[]> =>
  page
    .locator(selector)
    .evaluateAll(
      (all, pseudo) => [...new Set(all.map(one => getComputedStyle(one, pseudo).backgroundColor))],
      part,
    );

const borders = (page: Page, selector: string): Promise<string[]> =>
  page
    .locator(selector)
    .evaluateAll(all => [...new Set(all.map(one => getComputedStyle(one).borderBottomColor))]);

/** How many pixels of a canvas have each of some colours as they look on the page; the system's may be translucent. */
const pixelsOf = (page: Page, selector: string, colours: readonly string[]): Promise<number[]> =>
  page.locator(selector).evaluate((canvas, wanted) => {
    const { width, height } = canvas as HTMLCanvasElement;
    const drawn = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height).data;
    const one = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    return wanted.map(colour => {
      for (const layer of [getComputedStyle(document.body).backgroundColor, colour]) {
        one.fillStyle = layer;
        one.fillRect(0, 0, 1, 1);
      }
      const [red, green, blue] = one.getImageData(0, 0, 1, 1).data;
      let count = 0;
      for (let at = 0; at < drawn.length; at += 4)
        count += Number(
          drawn[at] === red && drawn[at + 1] === green && drawn[at + 2] === blue && drawn[at + 3] === 255,
        );
      return count;
    });
  }, colours);

const cases = [
  { colorScheme: 'dark', theme: themes.find(({ kind }) => kind === 'vscode-high-contrast') },
  { colorScheme: 'light', theme: themes.find(({ kind }) => kind === 'vscode-high-contrast-light') },
] as const;

describe('where the system forces its colours', { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  for (const { colorScheme, theme } of cases) {
    const inForcedColours = async (check: (open: OpenPage) => Promise<void>) => {
      const open = await openPage(browser, { theme, colorScheme, forcedColors: 'active' });
      await open.show(doneState(studiedReport()));
      await check(open);
      assert.deepEqual(open.problems, []);
      await open.close();
    };

    test(`widths, keys and cells keep colours that tell them apart (${colorScheme})`, () =>
      inForcedColours(async open => {
        const { page } = open;
        const ground = await background(page);
        assert.equal(ground, colorScheme === 'dark' ? 'rgb(0, 0, 0)' : 'rgb(255, 255, 255)');
        const chips = await painted(page, '.layer-table .chip', '::before');
        assert.equal(chips.length, 4);
        for (const selector of ['.stripe', '.bit-strip > span']) {
          assert.deepEqual((await painted(page, selector)).sort(), [...chips].sort(), selector);
        }
        const keys = await painted(page, '.mark-frontier, .mark-chosen, .mark-uniform, .boxes .held');
        const cells = await painted(page, '.heat tbody td');
        assert.ok(keys.length >= 3 && cells.length > 10, `${keys.length} keys, ${cells.length} cells`);
        for (const colour of [...chips, ...keys, ...cells]) assert.notEqual(colour, ground);
        await open.show(runningState());
        assert.equal((await painted(page, '.bar > span')).includes(ground), false);
      }));

    test(`charts have the colours of their keys and of the system (${colorScheme})`, () =>
      inForcedColours(async ({ page }) => {
        const chips = await painted(page, '.layer-table .chip', '::before');
        const bars = await pixelsOf(page, '.sensitivity canvas', chips);
        assert.ok(
          bars.every(count => count > 500),
          `${chips.join()}: ${bars.join()}`,
        );
        const [accent = ''] = await painted(page, '.mark-chosen');
        const text = await page.evaluate(() => getComputedStyle(document.body).color);
        const [suggested = 0, labels = 0, halo = 0] = await pixelsOf(page, '.frontier canvas', [
          accent,
          text,
          await background(page),
        ]);
        assert.ok(suggested > 100 && labels > 100 && halo > 20, `${suggested}, ${labels}, ${halo}`);
      }));

    test(`only what is chosen has the border that says so (${colorScheme})`, () =>
      inForcedColours(async ({ page }) => {
        const ground = await background(page);
        for (const [rest, chosen] of [
          ['.contents a:not([aria-current])', '.contents [aria-current]'],
          ['.reach:not([aria-pressed="true"])', '.reach[aria-pressed="true"]'],
        ] as const) {
          assert.deepEqual(await borders(page, rest), [ground]);
          assert.notDeepEqual(await borders(page, chosen), [ground]);
        }
      }));

    test(`charts follow colours that are forced while the page is open (${colorScheme})`, () =>
      inForcedColours(async ({ page }) => {
        const picture = () =>
          page.locator('.frontier canvas').evaluate(canvas => (canvas as HTMLCanvasElement).toDataURL());
        const forced = await picture();
        await page.emulateMedia({ forcedColors: 'none' });
        await page.waitForTimeout(150);
        assert.notEqual(await picture(), forced);
      }));
  }
});
