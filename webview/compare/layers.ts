import { type LayerComparison, NOTABLE, type ReportComparison } from '../../src/engine/report/compareReports';
import type { Measured } from '../../src/engine/util/ratio';
import { bitChip } from '../report/bitChip';
import { matrixName } from '../report/facts';
import { panel } from '../report/section';
import { type Child, element, fill, icon } from '../shared/element';
import { typesetNumber } from '../shared/format';
import { fullTable } from '../shared/scrollingTable';
import { ratioText } from './comparisonWords';
import type { CompareChannel, Part } from './part';
import { ordered } from './traces';

const estimate = ({ estimate: value, stderr }: Measured): Child[] => [
  typesetNumber(value),
  element('span', { class: 'error' }, stderr > 0 ? ` ± ${typesetNumber(stderr, 2)}` : ''),
];

/** How far apart, and whether that is beyond the errors. */
const apart = ({ z, differs }: LayerComparison): Child[] => [
  differs ? element('strong', {}, z === null ? 'exact' : zText(z)) : z === null ? 'equal' : zText(z),
];

const zText = (z: number): string => z.toFixed(1).replace('-', '−');

const arrow = (): HTMLElement => element('span', { class: 'arrow', 'aria-label': 'to' }, '→');

const ranks = ({ rank: { a, b } }: LayerComparison): Child[] =>
  a === b ? [String(a)] : [String(a), arrow(), String(b)];

const bits = ({ bits: { a, b } }: LayerComparison): Child[] =>
  a === b ? [bitChip(a)] : [bitChip(a), arrow(), bitChip(b)];

function row(layer: LayerComparison): HTMLElement {
  const number = (children: Child[]): HTMLElement => element('td', { class: 'number' }, ...children);
  return element(
    'tr',
    layer.differs ? { class: 'differs' } : {},
    element('th', { scope: 'row' }, element('code', {}, layer.name)),
    number(estimate(layer.a)),
    number(estimate(layer.b)),
    number([ratioText(layer)]),
    number(apart(layer)),
    number(ranks(layer)),
    element('td', { class: 'both-bits' }, ...bits(layer)),
  );
}

function head(comparison: ReportComparison): HTMLElement {
  const trace = `${matrixName(comparison.matrix)} trace`;
  const columns: readonly (readonly [label: string, hint: string, numeric: boolean])[] = [
    ['Layer', '', false],
    [`${trace} A`, 'With its standard error', true],
    [`${trace} B`, 'With its standard error', true],
    ['B by A', 'With its 95 % interval, which has the errors of both', true],
    [
      'z',
      `B − A in standard errors of both; bold beyond ${NOTABLE}, or beyond rounding where both are exact`,
      true,
    ],
    ['Rank', 'Place by average trace, the most sensitive layer first', true],
    ['Bits', 'The suggestions of A and of B', false],
  ];
  return element(
    'tr',
    {},
    ...columns.map(([label, hint, numeric]) =>
      element(
        'th',
        { scope: 'col', ...(numeric ? { class: 'number' } : {}), ...(hint ? { title: hint } : {}) },
        label,
      ),
    ),
  );
}

/** Every layer that both reports have, in figures. */
export function layers(channel: CompareChannel): Part {
  const thead = element('thead');
  const tbody = element('tbody');
  const root = panel('Layers', 'compared-layers');
  const key = element(
    'p',
    { class: 'legend' },
    icon('info'),
    `z is B − A in standard errors of both; bold: beyond ${NOTABLE} of them, or beyond rounding where both are exact.`,
  );
  root.append(key, fullTable('Layers of both reports', thead, tbody).root);
  return {
    root,
    update({ comparison }) {
      root.hidden = !comparison?.layers.length;
      if (!comparison) return;
      const all = ordered(comparison, channel);
      fill(thead, comparison.matrix, () => [head(comparison)]);
      fill(tbody, all, () => all.map(row));
    },
  };
}
