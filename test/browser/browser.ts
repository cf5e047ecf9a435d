import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { emptyStyleSource, loadAssets, type ReportAssets } from '../../src/cli/html';
import type { CompareState, FromCompareView } from '../../src/protocol/compareView';
import type { FromView, ToView, ViewState } from '../../src/protocol/view';
import { defaultStyle, type Theme, themes } from './themes';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why the tests of real pages can't run here; false where they can. */
export const skip = existsSync(executablePath)
  ? false
  : `No Chromium at ${executablePath}; set CHROMIUM to the path of one.`;

const flags =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

export const launch = (): Promise<Browser> => chromium.launch({ executablePath, args: flags.split(' ') });

type PageName = 'report' | 'compare';

export const assets = (page: PageName = 'report'): Promise<ReportAssets> =>
  loadAssets(path.resolve(__dirname, '../../dist'), page);

/** The stand-in for VS Code that the page finds in its window. */
interface HostWindow {
  posted: (FromView | FromCompareView)[];
  kept: unknown;
}

export interface OpenPage {
  readonly page: Page;
  /** Everything that went wrong: console errors, exceptions, requests that the page may not make. */
  readonly problems: string[];
  show(state: ViewState | CompareState): Promise<void>;
  posted(): Promise<(FromView | FromCompareView)[]>;
  kept(): Promise<unknown>;
  close(): Promise<void>;
}

export interface PageOptions extends BrowserContextOptions {
  readonly theme?: Theme;
  /** What VS Code kept of an earlier page. */
  readonly kept?: unknown;
  /** The report's by default. */
  readonly name?: PageName;
}

const origin = 'http://curvature.test';

function skeleton(): string {
  const policy = `default-src 'none'; style-src ${origin} ${emptyStyleSource}; script-src 'nonce-test'; font-src data:`;
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${policy}">
    <meta name="viewport" content="width=device-width, initial-scale=1"><title>Curvature</title>
    <link rel="stylesheet" href="default.css"><link rel="stylesheet" href="report.css"></head>
    <body><script nonce="test" src="report.js"></script></body></html>`;
}

/** Runs in the page before its scripts: what VS Code sets up in a webview. */
function setUpHost({ theme, kept }: { theme: Theme; kept: unknown }): void {
  const host = window as unknown as HostWindow & { acquireVsCodeApi: () => unknown };
  host.posted = [];
  host.kept = kept;
  host.acquireVsCodeApi = () => ({
    postMessage: (message: FromView | FromCompareView) => host.posted.push(message),
    getState: () => host.kept,
    setState: (state: unknown) => (host.kept = state),
  });
  const apply = () => {
    for (const [name, value] of Object.entries(theme.colours)) {
      document.documentElement.style.setProperty(`--vscode-${name}`, value);
    }
    // The light one of high contrast has both classes.
    document.body.className =
      theme.kind === 'vscode-high-contrast-light' ? `${theme.kind} vscode-high-contrast` : theme.kind;
    document.body.dataset.vscodeThemeKind = theme.kind;
  };
  const observer = new MutationObserver(() => {
    if (!document.body) return;
    observer.disconnect();
    apply();
  });
  observer.observe(document, { childList: true, subtree: true });
}

export function watchProblems(page: Page): string[] {
  const problems: string[] = [];
  page.on('console', message => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', error => problems.push(error.message));
  return problems;
}

/** Opens the page as the extension does: own origin, strict policy, themed, with the host's API. */
export async function openPage(browser: Browser, options: PageOptions = {}): Promise<OpenPage> {
  const { theme = themes[0], kept, name, ...contextOptions } = options;
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...contextOptions });
  const page = await context.newPage();
  const problems = watchProblems(page);
  const { script, style } = await assets(name);
  const served: Record<string, { body: string; contentType: string }> = {
    '/': { body: skeleton(), contentType: 'text/html' },
    '/report.js': { body: script, contentType: 'text/javascript' },
    '/default.css': { body: defaultStyle, contentType: 'text/css' },
    '/report.css': { body: style, contentType: 'text/css' },
  };
  await page.route('**/*', route => {
    const url = new URL(route.request().url());
    const found = url.origin === origin ? served[url.pathname] : undefined;
    if (found) return route.fulfill(found);
    problems.push(`request to ${url.href}`);
    return route.abort();
  });
  await page.addInitScript(setUpHost, { theme, kept: kept ?? null });
  await page.goto(`${origin}/`);
  return {
    page,
    problems,
    async show(state) {
      const message: ToView<ViewState | CompareState> = { type: 'stateChanged', state };
      await page.evaluate(sent => window.postMessage(sent, '*'), message);
      const title = 'title' in state ? state.title : state.modelName;
      await page.waitForFunction(text => document.querySelector('h1')?.textContent === text, title);
      // Two frames: one for layout, one for what the charts draw after it.
      await page.evaluate(
        () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))),
      );
    },
    posted: () => page.evaluate(() => (window as unknown as HostWindow).posted),
    kept: () => page.evaluate(() => (window as unknown as HostWindow).kept),
    close: () => context.close(),
  };
}
