import type { Diagnostic, Report } from '../../src/engine/report/schema';
import { element, fill, icon, spoken } from '../shared/element';
import { typesetNumbers } from '../shared/format';
import { panel, type Section } from './section';

const order: readonly Diagnostic['severity'][] = ['error', 'warning', 'info'];

function item({ severity, code, message, node, layer }: Diagnostic): HTMLElement {
  const where = [layer && ['layer', layer], node && ['node', node]].filter(part => Array.isArray(part));
  return element(
    'li',
    { 'data-severity': severity },
    icon(severity),
    element(
      'div',
      {},
      spoken(`${severity}: `),
      typesetNumbers(message),
      element(
        'span',
        { class: 'where' },
        ...where.flatMap(([kind = '', name = '']) => [`${kind} `, element('code', {}, name), '  ']),
        element('span', { class: 'code' }, code),
      ),
    ),
  );
}

/** Of the analysis and of what was measured beside it, each said once. */
function allDiagnostics({ diagnostics: own, studies = {} }: Report): Diagnostic[] {
  const { spectra = [], stability, coupling, trust } = studies;
  const parts = [...spectra, stability, coupling, trust];
  const all = [...own, ...parts.flatMap(part => part?.diagnostics ?? [])];
  return [...new Map(all.map(one => [JSON.stringify(one), one])).values()];
}

/** What the reader should know before trusting the figures, the worst first. */
export function diagnostics(): Section {
  const list = element('ul', { class: 'diagnostics' });
  const root = panel('Diagnostics', 'diagnostic-list');
  root.append(list);
  return {
    root,
    update({ state }) {
      const found = state.report ? allDiagnostics(state.report) : [];
      root.hidden = !found.length;
      fill(list, found, () =>
        [...found].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity)).map(item),
      );
    },
  };
}
