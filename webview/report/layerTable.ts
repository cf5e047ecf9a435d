import { methodWord } from '../../src/engine/report/format';
import type { LayerReport, Report } from '../../src/engine/report/schema';
import type { Channel } from '../shared/channel';
import { button } from '../shared/controls';
import { element, fill, icon, setText, spoken } from '../shared/element';
import { undecided } from '../../src/engine/analysis/decisions';
import { type Beside, type Column, columnsFor } from './layerColumns';
import { decisionWords, tied, tieProblem } from './decisions';
import { sortedPositions } from './layerOrder';
import { drawWidth, tieLetter } from './widthCell';
import { hasDecisions, type Plan } from './plan';
import type { Planner } from './planner';
import { panel, type Section, type Shown } from './section';

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
  const table = element('table', { class: 'layers' }, element('thead', {}, head), body);
  const scroller = element(
    'div',
    { class: 'table-scroll', tabindex: '0', role: 'group', 'aria-label': 'Layer table, scrollable' },
    table,
  );
  const decided = element('output', { class: 'decided' });
  const tie = button({ label: 'Tie Selected', icon: 'link', onPress: tieSelected });
  const clear = button({
    label: 'Clear',
    icon: 'clear-all',
    description: 'Clear all pins and ties',
    onPress: () => plans.decide(choices => ({ ...choices, ...undecided })),
  });
  const problem = element('p', { class: 'notice', 'data-severity': 'warning', role: 'alert' });
  const root = panel('Layers', 'layer-table', decided, tie.root, clear.root, copy.root);
  root.append(problem, scroller, said);

  let report: Report | undefined;
  let plan: Plan | undefined;
  const selected = new Set<string>();
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
    if (!layer) return;
    channel.keep({ selectedLayer: layer.name });
    markSelected();
    channel.post({ type: 'revealLayer', layer: layer.name });
  }

  function markSelected(): void {
    rows.forEach((row, index) => {
      row.root.classList.toggle('selected', report?.layers[index]?.name === channel.ui.selectedLayer);
    });
  }

  /** One row is in the tab order at a time, with its controls; the arrow keys move through the rest. */
  function focusable(index: number): void {
    rows.forEach((row, i) => {
      for (const control of row.root.querySelectorAll('.layer-name, input, select, .tie'))
        control.setAttribute('tabindex', i === index ? '0' : '-1');
    });
  }

  function explain(message: string | undefined): void {
    problem.hidden = message === undefined;
    fill(problem, message, () => [icon('warning'), message]);
  }

  explain(undefined);

  function tieSelected(): void {
    if (!plan || !report) return;
    const chosen = report.layers.filter(({ name }) => selected.has(name));
    const found = tieProblem(plan.choices, chosen);
    explain(found);
    if (found) return;
    selected.clear();
    plans.decide(choices =>
      tied(
        choices,
        chosen.map(({ name }) => name),
      ),
    );
  }

  function showDecisions(): void {
    const hasPlan = plan !== undefined;
    for (const one of [decided, tie.root, clear.root]) one.hidden = !hasPlan;
    setText(decided, plan ? decisionWords(plan.choices) : '');
    tie.enable(selected.size > 1);
    clear.enable(plan !== undefined && hasDecisions(plan.choices));
    rows.forEach((row, index) => {
      const layer = report?.layers[index];
      row.box.hidden = !hasPlan || !Object.keys(layer?.sensitivity ?? {}).length;
      row.box.checked = layer !== undefined && selected.has(layer.name);
    });
  }

  function select(index: number, box: HTMLInputElement): void {
    const name = report?.layers[index]?.name;
    if (name === undefined) return;
    if (box.checked) selected.add(name);
    else selected.delete(name);
    explain(undefined);
    showDecisions();
  }

  /** Controls in cells; figures are the columns' own matter. */
  function besideOf({ kept }: Shown, layers: readonly LayerReport[]): Beside {
    const choices = plan?.choices;
    const shares = kept && new Map(layers.map((layer, l) => [layer, kept[l] ?? 0]));
    return {
      kept: plan?.allocation.hasErrors ? { shares, isPending: plan.feasible } : undefined,
      widths: choices && {
        draw: (cell, layer) => drawWidth(cell, layer, choices, plans),
        decided: ({ name }) => [choices.pins[name] ?? '', tieLetter(choices, name) ?? ''].join(' ').trim(),
      },
    };
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
    box.addEventListener('change', () => select(index, box));
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
    const words = statusWords[layer.status] || methodWord(layer.method);
    row.name.title = layer.reason ?? '';
    row.box.setAttribute('aria-label', `Select ${layer.name}`);
    fill(row.name, [layer.name, words], () => [
      element('code', {}, layer.name),
      words ? element('span', { class: 'status' }, words) : undefined,
    ]);
    columns.forEach((column, i) => {
      const cell = row.cells[i];
      if (!cell) return;
      cell.className = cellClass(column);
      if (column.draw) column.draw(cell, layer);
      else fill(cell, [column.copy(layer), layer.trace, layer.bits], () => column.cell(layer));
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
      ({ plan } = shown);
      root.hidden = !report?.layers.length;
      if (!report) return;
      const next = columnsFor(report, besideOf(shown, report.layers));
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
      showDecisions();
      const tabbed = rows.findIndex(row => row.name.getAttribute('tabindex') === '0');
      focusable(tabbed < 0 ? (order[0] ?? 0) : tabbed);
      if (!restored) {
        restored = true;
        scroller.scrollTop = channel.ui.tableScrollTop;
      }
    },
  };
}
