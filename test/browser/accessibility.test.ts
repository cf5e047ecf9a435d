import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { activationsReport } from './activationsFixture';
import { launch, openPage, skip } from './browser';
import {
  cancelledState,
  doneState,
  failedState,
  hessianReport,
  idleState,
  notReachedReport,
  runningState,
} from './fixtures';
import { metricsReport } from './metricsFixture';
import { spectrumReport } from './spectrumFixture';
import { stabilityReport } from './stabilityFixture';
import { studiedReport } from './studiesFixture';
import { themes } from './themes';

/** Serious and critical violations, each with the elements concerned. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const results = await page.evaluate(() =>
    (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(node => `${node.html} ${node.failureSummary}`).join('\n')}`);
}

const states = {
  idle: idleState,
  running: runningState(),
  cancelled: cancelledState(),
  failed: failedState,
  'not reached': doneState(notReachedReport()),
  hessian: doneState(hessianReport()),
  metrics: doneState(metricsReport()),
  activations: doneState(activationsReport()),
  spectrum: doneState(spectrumReport()),
  stability: doneState(stabilityReport()),
  studied: doneState(studiedReport()),
};

describe('accessibility', { skip }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  for (const theme of themes) {
    test(`no serious violation in the ${theme.name} theme`, async () => {
      const open = await openPage(browser, { theme });
      for (const [name, state] of Object.entries(states)) {
        await open.show(state);
        assert.deepEqual(await violations(open.page), [], name);
      }
      await open.page.getByRole('button', { name: 'Provenance' }).click();
      assert.deepEqual(await violations(open.page), [], 'provenance open');
      await open.close();
    });
  }
});
