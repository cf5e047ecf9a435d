import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { renderHtml } from '../../src/cli/html';
import { parseBits } from '../../src/engine/report/bits';
import type { Report } from '../../src/engine/report/schema';
import { assets, launch, skip, watchProblems } from './browser';
import { cancelledReport, hostileName, hostileReport, smallReport } from './fixtures';

test('a saved page holds its own policy and no way out of the data', () => {
  const report = hostileReport();
  const html = renderHtml(report, {
    script: 'let a = "</script>";\r\nlet b = 1;\n//# sourceMappingURL=report.js.map\n',
    style: 'b::after { content: "</style>"; }',
  });
  assert.match(
    html,
    /default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+' 'sha256-[^']+'; img-src data:; font-src data:/,
  );
  assert.equal(html.match(/<\/script>/g)?.length, 2);
  assert.equal(html.match(/<\/style>/g)?.length, 1);
  assert.ok(!html.includes('sourceMappingURL') && !html.includes('\r'));
  assert.ok(!html.includes('<img'));
  const json = /id="curvature-state">(.*?)<\/script>/s.exec(html)?.[1] ?? '';
  assert.ok(!/[<\u2028\u2029]/.test(json));
  assert.equal((JSON.parse(json) as { report: Report }).report.layers[0]?.name, hostileName);
});

describe('a report saved as HTML', { skip }, () => {
  let browser: Browser;
  let folder: string;
  before(async () => {
    browser = await launch();
    folder = await mkdtemp(path.join(tmpdir(), 'curvature-'));
  });
  after(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  async function open(
    report: Report,
    colorScheme: 'light' | 'dark',
  ): Promise<{ page: Page; problems: string[] }> {
    const file = path.join(folder, `${colorScheme}.html`);
    await writeFile(file, renderHtml(report, await assets()));
    const context = await browser.newContext({ colorScheme, offline: true });
    const page = await context.newPage();
    const problems = watchProblems(page);
    page.on('request', request => {
      if (!/^(file|data):/.test(request.url())) problems.push(`request to ${request.url()}`);
    });
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('.layer-table tbody tr');
    await page.evaluate(() => document.fonts.ready);
    return { page, problems };
  }

  const background = (page: Page): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.body).backgroundColor);

  test('opens by itself, follows the system theme and offers nothing that needs a host', async () => {
    for (const [scheme, colour] of [
      ['light', 'rgb(255, 255, 255)'],
      ['dark', 'rgb(31, 31, 31)'],
    ] as const) {
      const { page, problems } = await open(smallReport(), scheme);
      assert.equal(await page.locator('h1').innerText(), 'resnet8.onnx');
      assert.equal(await background(page), colour);
      assert.equal(await page.locator('.actions vscode-button').count(), 0);
      assert.equal(await page.locator('button.layer-name').count(), 0);
      assert.equal(await page.evaluate(() => document.fonts.check('16px codicon')), true);
      assert.deepEqual(problems, []);
      const other = scheme === 'light' ? 'dark' : 'light';
      await page.emulateMedia({ colorScheme: other });
      await page.waitForFunction(kind => document.body.classList.contains(kind), `vscode-${other}`);
      assert.notEqual(await background(page), colour);
      await page.context().close();
    }
  });

  test('saves the widths that are seen as a file', async () => {
    const report = smallReport();
    const { page, problems } = await open(report, 'light');
    await page.getByLabel('Width of fc.weight', { exact: true }).selectOption('32');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('vscode-button', { hasText: 'Save Bit Widths…' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'resnet8.bits.json');
    const { model, bits } = parseBits(await readFile(await download.path(), 'utf8'));
    assert.equal(model, 'resnet8.onnx');
    assert.deepEqual(
      Object.keys(bits),
      report.layers.map(layer => layer.name),
    );
    assert.equal(bits['fc.weight'], 32);
    assert.equal(await page.locator('vscode-button', { hasText: 'Export' }).isVisible(), false);
    assert.deepEqual(problems, []);
    await page.context().close();
  });

  test('says what was kept of a run that stopped', async () => {
    const { page, problems } = await open(cancelledReport(), 'light');
    assert.match(await page.locator('.verdict').innerText(), /^Cancelled with 4 of 7 layers/);
    assert.deepEqual(problems, []);
  });

  test('runs nothing that the model brings along', async () => {
    const { page, problems } = await open(hostileReport(), 'light');
    assert.equal(await page.evaluate(() => 'hacked' in window), false);
    assert.equal(await page.locator('img').count(), 0);
    assert.deepEqual(problems, []);
  });
});
