/** The workbench as a person sees it, for the tests that drive it in a browser. */
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

const shots = path.resolve(process.env.SHOTS ?? 'out/shots');

export class Workbench {
  constructor(private readonly page: Page) {
    mkdirSync(shots, { recursive: true });
  }

  file(name: string): Locator {
    return this.page.locator('.explorer-folders-view .monaco-list-row', { hasText: name });
  }

  tab(name: string): Locator {
    return this.page.locator('.tabs-container .tab', { hasText: name });
  }

  /** The page of the panel in front: an iframe of VS Code's own holds the one of the extension. */
  get panel(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready:visible').frameLocator('iframe#active-frame');
  }

  get toast(): Locator {
    return this.page.locator('.notification-toast').first();
  }

  get statusBar(): Locator {
    return this.page.locator('.statusbar-item', { hasText: 'Curvature' });
  }

  get hover(): Locator {
    return this.page.locator('.monaco-hover:not(.hidden)').first();
  }

  line(text: string): Locator {
    return this.page.locator('.editor-instance .view-line', { hasText: text }).first();
  }

  /** An inlay hint; its spaces don't break. */
  hint(text: RegExp): Locator {
    return this.page.locator('.editor-instance .view-lines').getByText(text).first();
  }

  problem(text: string): Locator {
    return this.page.locator('.markers-panel .monaco-list-row', { hasText: text }).first();
  }

  menuEntry(text: string): Locator {
    return this.page.locator('.monaco-menu .action-item:not(.disabled)', { hasText: text });
  }

  /** Presses an entry of the open menu, which is deaf until a tenth of a second after it opened, or more on a busy machine. */
  async choose(text: string): Promise<void> {
    const item = this.menuEntry(text);
    await item.waitFor();
    for (let tries = 0; tries < 20; tries++) {
      await item.click({ timeout: 1000 }).catch(() => undefined);
      const isGone = await item.waitFor({ state: 'detached', timeout: 1000 }).then(
        () => true,
        () => false,
      );
      if (isGone) return;
    }
    throw new Error(`The menu never took ${text}`);
  }

  /**
   * Opens a file's context menu. The explorer is there before the extension's entries are, and those before the
   * workspace is known to be trusted, so it may take some tries.
   */
  async contextMenu(name: string, entry: string): Promise<void> {
    const item = this.menuEntry(entry);
    for (let tries = 0; ; tries++) {
      await this.file(name).click({ button: 'right' });
      const found = await item.waitFor({ timeout: 1500 }).then(
        () => true,
        () => false,
      );
      if (found) return;
      if (tries > 20) throw new Error(`The context menu of ${name} never had ${entry}`);
      await this.page.keyboard.press('Escape');
    }
  }

  /** Types into the palette and gives its rows. */
  async palette(text: string): Promise<Locator> {
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget input').first();
    await input.waitFor();
    await input.fill(`>${text}`);
    return this.quickPick(text);
  }

  quickPick(text: string): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
  }

  async shot(name: string): Promise<void> {
    await this.page.screenshot({ path: path.join(shots, `${name}.png`) });
  }
}
