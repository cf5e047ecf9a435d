import { methodWord } from '../../src/engine/report/format';
import { spectrumMatrix } from '../../src/engine/report/layerSpectrum';
import type { LayerReport, Report } from '../../src/engine/report/schema';
import type { Channel } from '../shared/channel';
import { button } from '../shared/controls';
import { element, fill, icon, setText, spoken } from '../shared/element';
import { fullTable } from '../shared/scrollingTable';
import { type Column, columnsFor } from './layerColumns';
import { layerDecisions } from './layerDecisions';
import { sortedPositions } from './layerOrder';
import type { Planner } from './planner';
import { panel, type Section } from './section';

const statusWords = { analysed: '', 'not-reached': 'not reached', pending: 'not measured yet' } as const;

/** Tab-separated values with a head line, as spreadsheets take them. */
function tabSeparated(report: Report, order: readonly number[], columns: readonly Column[]): string {
  const lines = order.flatMap(index => {
    const layer = report.layers[index];
    return layer
      ? [[layer.name, layer.status, ...columns.flatMap(column => column.copy(layer))].join('\t')]
      : [];
  });
  return [['Layer', 'Status', ...columns.flatMap(column => column.fields)].join('\t'), ...lines].join('\n');
}

interface Row {
  readonly root: HTMLTableRowElement;
  readonly name: HTMLElement;
  readonly box: HTMLInputElement;
  readonly cells: readonly HTMLTableCellElement[];
}

const cellClass = ({ numeric, className = '' }: Column): string =>
  `${numeric ? 'number' : ''} ${className}`.trim();

/** Every figure of every layer. Rows are kept and moved, so that focus and selection survive partial results. */
export function layerTable(channel: Channel, plans: Planner): Section {
  const said = spoken('');
  said.setAttribute('role', 'status');
  const copy = button({
    label: 'Copy',
    icon: 'copy',
    description: 'Copy the table',
    onPress: () => void copyTable(),
  });
  const head = element('tr');
  const body = element('tbody');
  const { root: scroller } = fullTable('Layer table', element('thead', {}, head), body);
  const decisions = layerDecisions(plans);
  const root = panel('Layers', 'layer-table', ...decisions.controls, copy.root);
  root.append(decisions.notice, scroller, said);

  let report: Report | undefined;
  let columns: Column[] = [];
  let rows: Row[] = [];
  let order: number[] = [];

  async function copyTable(): Promise<void> {
    if (!report) return;
    try {
      await navigator.clipboard.writeText(tabSeparated(report, order, columns));
      setText(said, 'Table copied.');
    } catch {
      setText(said, 'The clipboard is not available; select the table instead.');
    }
  }

  function reveal(index: number): void {
    const layer = report?.layers[index];
    if (layer) channel.select(layer.name);
  }

  function markSelected(): void {
    rows.forEach((row, index) => {
      row.root.classList.toggle('selected', report?.layers[index]?.name === channel.ui.selectedLayer);
    });
  }

  channel.onSelect(markSelected);

  /** One row is in the tab order at a time, with its controls; the arrow keys move through the rest. */
  function focusable(index: number): void {
    rows.forEach((row, i) => {
      for (const control of row.root.querySelectorAll('.layer-name, input, select, .tie'))
        control.setAttribute('tabindex', i === index ? '0' : '-1');
    });
  }

  body.addEventListener('keydown', event => {
    const from = order.findIndex(index => rows[index]?.name === document.activeElement);
    const last = order.length - 1;
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: from + 1,
      ArrowUp: from - 1,
      Home: 0,
      End: last,
    };
    const to = targets[event.key];
    if (from < 0 || to === undefined) return;
    event.preventDefault();
    const target = order[Math.min(last, Math.max(0, to))];
    if (target === undefined) return;
    focusable(target);
    rows[target]?.name.focus();
  });

  function makeRow(index: number): Row {
    // Outside VS Code there is nothing to reveal, so the name is plain text there.
    const name = channel.hasHost
      ? element('button', { class: 'layer-name', type: 'button' })
      : element('span', { class: 'layer-name' });
    const cells = columns.map(() => element('td'));
    const box = element('input', { type: 'checkbox', class: 'select' });
    box.addEventListener('change', () => {
      const layer = report?.layers[index];
      if (layer) decisions.select(layer.name, box.checked);
    });
    const position = element('td', { class: 'position' }, box, String(index + 1));
    const made = element('tr', {}, position, element('th', { scope: 'row' }, name), ...cells);
    if (channel.hasHost) {
      made.addEventListener('click', event => {
        if (event.target instanceof Element && event.target.closest('input, select, .tie')) return;
        // Selecting text to copy it ends with a click too.
        if (getSelection()?.isCollapsed !== false) reveal(index);
      });
    }
    made.addEventListener('focusin', () => focusable(index));
    return { root: made, name, box, cells };
  }

  function fillRow(row: Row, layer: LayerReport): void {
    row.root.dataset.status = layer.status;
    // What VS Code's own menus go by.
    if (spectrumMatrix(layer))
      row.root.dataset.vscodeContext = JSON.stringify({ webviewSection: 'layer', layer: layer.name });
    const words = statusWords[layer.status] || methodWord(layer.method);
    row.name.title = layer.reason ?? '';
    decisions.drawBox(row.box, layer);
    fill(row.name, [layer.name, words], () => [
      element('code', {}, layer.name),
      words ? element('span', { class: 'status' }, words) : undefined,
    ]);
    columns.forEach((column, i) => {
      const cell = row.cells[i];
      if (!cell) return;
      cell.className = cellClass(column);
      if (column.draw) column.draw(cell, layer);
      else
        fill(cell, [column.copy(layer), layer.trace, layer.bits, column.doubt?.(layer)], () =>
          column.cell(layer),
        );
    });
  }

  function sortBy(id: string): void {
    const { sortColumn, descending } = channel.ui;
    const numeric = columns.find(column => column.id === id)?.numeric ?? false;
    channel.keep({ sortColumn: id, descending: sortColumn === id ? !descending : numeric });
    sort();
  }

  function heading(id: string, label: string, hint?: string): HTMLElement {
    const press = element('button', { type: 'button', class: 'sort' }, label, icon('arrow-small-down'));
    if (hint) press.title = hint;
    press.addEventListener('click', () => sortBy(id));
    return element('th', { scope: 'col', 'data-column': id }, press);
  }

  function sort(): void {
    if (!report) return;
    const { sortColumn, descending } = channel.ui;
    for (const cell of head.children) {
      const active = (cell as HTMLElement).dataset.column === sortColumn;
      cell.setAttribute('aria-sort', active ? (descending ? 'descending' : 'ascending') : 'none');
    }
    const key =
      sortColumn === 'name'
        ? (layer: LayerReport) => layer.name
        : columns.find(column => column.id === sortColumn)?.key;
    const next = sortedPositions(report.layers, key, descending);
    if (next.some((index, i) => index !== order[i]) || next.length !== order.length) {
      order = next;
      const focused = document.activeElement;
      body.append(...order.flatMap(index => rows[index]?.root ?? []));
      if (focused instanceof HTMLElement && body.contains(focused)) focused.focus();
    }
  }

  let restored = false;
  scroller.addEventListener('scroll', () => {
    if (restored) channel.keep({ tableScrollTop: scroller.scrollTop });
  });

  return {
    root,
    update(shown) {
      ({ report } = shown.state);
      decisions.update(shown);
      root.hidden = !report?.layers.length;
      if (!report) return;
      const next = columnsFor(report, decisions.beside(shown, report.layers));
      columns = next;
      fill(
        head,
        next.map(column => column.id),
        () => [
          heading('network', '#', 'In the order of the network'),
          heading('name', 'Layer'),
          ...next.map(column => heading(column.id, column.label, column.hint)),
        ],
      );
      next.forEach((column, i) => {
        const cell = head.children[i + 2];
        if (cell) cell.className = cellClass(column);
      });
      fill(body, [next.map(column => column.id), report.layers.map(layer => layer.name)], () => {
        rows = next.length ? (report?.layers ?? []).map((_, index) => makeRow(index)) : [];
        order = [];
        return [];
      });
      report.layers.forEach((layer, index) => {
        const row = rows[index];
        if (row) fillRow(row, layer);
      });
      sort();
      markSelected();
      const tabbed = rows.findIndex(row => row.name.getAttribute('tabindex') === '0');
      focusable(tabbed < 0 ? (order[0] ?? 0) : tabbed);
      if (!restored) {
        restored = true;
        scroller.scrollTop = channel.ui.tableScrollTop;
      }
    },
  };
}
