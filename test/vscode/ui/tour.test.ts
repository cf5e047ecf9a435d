import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import {
  installExtension,
  launchBrowser,
  makeHome,
  missingBrowser,
  startServer,
  type Server,
} from '../../support/vscode/server.mjs';
import { Workbench } from '../../support/vscode/workbench';
import { makeWorkspace } from '../../support/vscode/workspace.mjs';

const dist = process.env.VSCODE_DIST;
const extension = process.env.EXTENSION ?? '.';
const skip =
  dist && existsSync(dist) ? (missingBrowser() ?? false) : 'VSCODE_DIST names no VS Code; run.mjs sets it';

const themes = {
  dark: 'Default Dark Modern',
  light: 'Default Light Modern',
  'high-contrast': 'Default High Contrast',
};

/** One VS Code and one page in it, with a folder of its own. */
class Session {
  private constructor(
    private readonly home: ReturnType<typeof makeHome>,
    private readonly server: Server,
    private readonly browser: Browser,
    readonly page: Page,
    readonly workbench: Workbench,
  ) {}

  static async open(
    vscode: string,
    theme: string,
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<Session> {
    const home = makeHome();
    const folder = makeWorkspace(path.join(home.folder, 'digits'));
    installExtension(vscode, home.folder, extension);
    const all = { 'workbench.colorTheme': theme, 'editor.hover.delay': 100, ...settings };
    const server = await startServer({ dist: vscode, home: home.folder, settings: all });
    const browser = await launchBrowser();
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(20_000);
    await page.goto(server.url(folder));
    const workbench = new Workbench(page);
    await workbench.file('digits_cnn.onnx').waitFor({ timeout: 60_000 });
    return new Session(home, server, browser, page, workbench);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    this.home.remove();
  }
}

/** `THEMES=dark,light` makes the tour in these only. */
const asked = process.env.THEMES?.split(',') ?? Object.keys(themes);

for (const [name, theme] of Object.entries(themes).filter(([key]) => asked.includes(key))) {
  describe(`a tour of the workbench, ${name}`, { skip }, () => {
    let session: Session;
    let workbench: Workbench;
    before(async () => {
      assert.ok(dist);
      // The Hessian too, so that there is a progress to see.
      session = await Session.open(dist, theme, { 'curvature.matrix': 'both' });
      ({ workbench } = session);
    });
    after(() => session?.close());

    let broken = false;
    /** The steps build on each other: after one that failed, the rest would only wait in vain. */
    const step = (title: string, action: () => Promise<void>): void =>
      void it(title, async test => {
        if (broken) return test.skip('an earlier step failed');
        try {
          await action();
        } catch (error) {
          broken = true;
          await workbench.shot(`${name}-failure`);
          throw error;
        }
      });

    step('analyses from the context menu, with progress on the way', async () => {
      await workbench.contextMenu('digits_cnn.onnx', 'Analyze Curvature');
      await workbench.shot(`${name}-1-context-menu`);
      await workbench.choose('Analyze Curvature');
      await workbench.toast.getByText('Curvature of digits_cnn.onnx').waitFor({ timeout: 30_000 });
      await workbench.statusBar.waitFor();
      await workbench.panel
        .getByText(/(probe|step) \d+/)
        .first()
        .waitFor({ timeout: 30_000 });
      await workbench.shot(`${name}-2-progress`);
    });

    step('shows every layer in the panel', async () => {
      await workbench.panel.getByText('conv1.weight').first().waitFor({ timeout: 60_000 });
      await workbench.statusBar.waitFor({ state: 'detached', timeout: 120_000 });
      await session.page.waitForTimeout(1000);
      await workbench.shot(`${name}-3-panel`);
    });

    step('chooses widths anew while the budget moves', async () => {
      const slider = workbench.panel.getByRole('slider', { name: 'Budget' });
      await slider.scrollIntoViewIfNeeded();
      await slider.focus();
      for (let i = 0; i < 60; i++) await session.page.keyboard.press('ArrowLeft');
      await workbench.panel.getByText('Your choice').first().waitFor({ timeout: 15_000 });
      await session.page.waitForTimeout(1500);
      await workbench.shot(`${name}-3-budget`);
      await workbench.panel.locator('.budget vscode-button', { hasText: 'Reset' }).click();
      await workbench.panel.locator('body').evaluate(() => window.scrollTo(0, 0));
      await session.page.waitForTimeout(500);
    });

    step('measures the spectrum of a layer from the menu of its row, and turns to it', async () => {
      const row = workbench.panel.locator('.layer-table tbody tr', { hasText: 'conv1.weight' });
      await row.locator('.layer-name').click({ button: 'right' });
      await workbench.choose('Spectrum of This Layer');
      const section = workbench.panel.locator('#spectrum');
      await section.getByRole('table', { name: 'Numbers of the spectrum' }).waitFor({ timeout: 60_000 });
      const chosen = section.locator('vscode-dropdown').first();
      assert.match(await chosen.evaluate(one => (one as HTMLSelectElement).value), /"conv1\.weight"/);
      await workbench.statusBar.waitFor({ state: 'detached', timeout: 60_000 });
      await session.page.waitForTimeout(1000);
      await workbench.shot(`${name}-3-spectrum`);
      await workbench.panel.locator('body').evaluate(() => window.scrollTo(0, 0));
    });

    step('opens the text beside, with bits and traces at the ends of lines', async () => {
      await (await workbench.palette('Curvature: Show Model as Text')).click();
      await workbench.line('conv1.weight').waitFor({ timeout: 30_000 });
      await workbench.hint(/\d\s+bits/).waitFor({ timeout: 30_000 });
      await session.page.waitForTimeout(500);
      await workbench.shot(`${name}-4-text`);
    });

    step('tells about a layer when its line is hovered', async () => {
      await workbench.line('conv1.weight').hover({ position: { x: 60, y: 8 } });
      await workbench.hover.getByText('Trace (GGN)').waitFor({ timeout: 15_000 });
      await session.page.waitForTimeout(500);
      await workbench.shot(`${name}-5-hover`);
      await session.page.keyboard.press('Escape');
    });

    step('lists the most sensitive layers in Problems', async () => {
      await session.page.keyboard.press('Control+Shift+M');
      await workbench.problem('of the predicted loss increase').waitFor({ timeout: 15_000 });
      await session.page.waitForTimeout(500);
      await workbench.shot(`${name}-6-problems`);
    });

    step('marks widths that are too small in a file of bit widths, and offers the fix', async () => {
      await workbench.file('low.bits.json').dblclick();
      await workbench.problem('of these widths; it needs').waitFor({ timeout: 20_000 });
      await workbench.line('conv1.weight').hover({ position: { x: 60, y: 8 } });
      await workbench.hover.getByText('of the predicted loss increase').first().waitFor({ timeout: 15_000 });
      await session.page.waitForTimeout(500);
      await workbench.shot(`${name}-8-bits`);
      await session.page.keyboard.press('Escape');
    });

    step('has its commands in the palette', async () => {
      const row = await workbench.palette('Curvature: ');
      await row.waitFor();
      await session.page.waitForTimeout(500);
      await workbench.shot(`${name}-7-palette`);
      await session.page.keyboard.press('Escape');
    });
  });
}
