import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { typesetNumber } from '../../webview/shared/format';
import { activationsReport } from './activationsFixture';
import { skip } from './browser';
import { doneState, smallReport } from './fixtures';
import { freshPages } from './freshPages';

const rows = (page: Page) => page.locator('.activations tbody tr');
const cells = (page: Page, row: number): Promise<string[]> =>
  rows(page).nth(row).locator('th, td').allInnerTexts();
const chips = async (page: Page): Promise<string[]> =>
  (await page.locator('.activations tbody .chip').allInnerTexts()).map(said => said.trim());

/** What the reading says of all layers and their inputs at one width: a weight is multiplied 64 times. */
function reading(bits: number): string {
  const { layers, activations = [] } = activationsReport();
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const multiplied = 64 * sum(layers.map(layer => layer.parameters));
  const omega = sum([...layers, ...activations].map(one => one.sensitivity[bits] ?? 0));
  const share = Math.round((100 * bits ** 2) / 8 ** 2);
  return `${typesetNumber(multiplied * bits ** 2)} bit operations a sample, ${share} % of all at the largest width · ΣΩ ${typesetNumber(omega)}, weights included`;
}

describe('activations', { skip }, () => {
  const pages = freshPages();

  test('are shown where they were measured, each with its figures', async () => {
    const { open, page } = pages;
    await open.show(doneState(smallReport()));
    assert.equal(await page.locator('.activations').isVisible(), false);
    await open.show(doneState(activationsReport()));
    assert.deepEqual(await page.locator('.activations thead th').allInnerTexts(), [
      'Activation',
      'Bits',
      'Read by',
      'Range',
      'GGN trace',
      ...[2, 3, 4, 8].map(bits => `Ω ${bits} bit`),
    ]);
    assert.equal(await rows(page).count(), 8);
    // A fifth of the layer's trace of 640; its mean over 4096 elements times 4096 / 12 · (8 / 3)² is Ω at 2 bits.
    const [name, , layer, range, trace, omega] = await cells(page, 0);
    assert.deepEqual(
      [name, layer, range, trace, omega],
      ['/conv1/input', 'conv1.weight', '−2.00 to 6.00', '128± 2.6', '75.9± 1.5'],
    );
    // What is small is set as in print: 0.9 / 5 / 12 · (8 / 255)².
    assert.equal((await cells(page, 6)).at(-1), '1.48\u00a0×\u00a010⁻⁵± 3.0\u00a0×\u00a010⁻⁷');
    // Without a trace there is a range and a reason.
    assert.deepEqual(await cells(page, 7), [
      '/roi/input',
      '–',
      'products',
      '−2.00 to 6.00',
      '–',
      '–',
      '–',
      '–',
      '–',
    ]);
    assert.match(
      (await rows(page).nth(7).getAttribute('title')) ?? '',
      /^No trace: below node “\/roi\/NonMax/,
    );
    assert.deepEqual(open.problems, []);
  });

  test('take the widths that a limit on the bit operations allows, which the keys move', async () => {
    const { open, page } = pages;
    await open.show(doneState(activationsReport()));
    const limit = page.getByRole('slider', { name: 'Limit on the bit operations' });
    const said = page.locator('.activations .reading');
    await limit.focus();
    for (const [key, bits] of [
      ['End', 8],
      ['Home', 2],
    ] as const) {
      await page.keyboard.press(key);
      assert.deepEqual(await chips(page), Array<string>(7).fill(`${bits} bit`));
      assert.equal(await said.innerText(), reading(bits));
      assert.equal(await limit.getAttribute('aria-valuetext'), reading(bits));
      const chosen = await page.locator('.activations .chosen').count();
      assert.equal(chosen, 7, 'the figure of each chosen width is marked');
    }
    await page.keyboard.press('PageUp');
    assert.ok(new Set(await chips(page)).size > 1, 'in between, what is sensitive gets more bits');
    // Widths for weights alone stay what they are.
    assert.equal(await page.locator('.budget .own').first().innerText(), 'The report’s suggestion');
  });

  test('stand in a table as wide as that of layers, figures under each other', async () => {
    const { open, page } = pages;
    await open.show(doneState(activationsReport()));
    const edges = (selector: string) =>
      page.locator(selector).evaluate(one => {
        const { left, right } = one.getBoundingClientRect();
        return [left, right];
      });
    assert.deepEqual(await edges('.activations table'), await edges('.layer-table table'));
    const ends = await page.locator('.activations td.estimate:last-child').evaluateAll(all =>
      all.map(cell => {
        const range = document.createRange();
        range.selectNode(cell.firstChild ?? cell);
        return range.getBoundingClientRect().right;
      }),
    );
    assert.equal(ends.length, 8);
    assert.ok(Math.max(...ends) - Math.min(...ends) < 0.6, ends.join(' '));
  });

  test('fold away and come back by keyboard', async () => {
    const { open, page } = pages;
    await open.show(doneState(activationsReport()));
    const heading = page.getByRole('button', { name: 'Activations', exact: true });
    await heading.focus();
    await page.keyboard.press('Enter');
    assert.equal(await heading.getAttribute('aria-expanded'), 'false');
    assert.equal(await rows(page).first().isVisible(), false);
    await page.keyboard.press('Enter');
    assert.equal(await rows(page).first().isVisible(), true);
    const table = page.getByRole('group', { name: 'Activations, scrollable' });
    await table.focus();
    assert.equal(await table.evaluate(one => one === document.activeElement), true);
  });
});
