import { after, before, beforeEach } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launch, openPage, type OpenPage } from './browser';

export interface FreshPages {
  readonly browser: Browser;
  /** Of the test that is running. */
  readonly open: OpenPage;
  readonly page: Page;
}

/** A browser for the suite that calls this, and a page of its own for each test. @param prepare runs before each test, with its page */
export function freshPages(prepare?: (open: OpenPage) => Promise<void>): FreshPages {
  let browser: Browser;
  let open: OpenPage | undefined;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());
  beforeEach(async () => {
    await open?.close();
    open = await openPage(browser);
    await prepare?.(open);
  });
  return {
    get browser() {
      return browser;
    },
    get open() {
      return open!;
    },
    get page() {
      return open!.page;
    },
  };
}
