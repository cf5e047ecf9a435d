import type { ReportComparison, ReportSide } from '../../src/engine/report/compareReports';
import type { CompareState } from '../../src/protocol/compareView';
import { matrixName } from '../report/facts';
import { panel } from '../report/section';
import { breakableCode, type Child, element, fill, icon } from '../shared/element';
import { formatBytes, formatCount, typesetNumber } from '../shared/format';
import { plainTable } from '../shared/scrollingTable';
import { advice, caution } from './comparisonWords';
import type { Part } from './part';
import { sideMark } from './sideMark';

type Row = readonly [label: string, of: (side: ReportSide) => Child[], numeric: boolean];

const none = '–';
const baseName = (file: string): string => file.split(/[\\/]/).at(-1) ?? file;

const rows = ({ matrix, layers }: ReportComparison): readonly Row[] => [
  ['Model', ({ model }) => [breakableCode(baseName(model.file))], false],
  [
    'Data',
    ({ data }) => (data.file === undefined ? ['random inputs'] : [breakableCode(baseName(data.file))]),
    false,
  ],
  ['Samples', ({ samples }) => [formatCount(samples)], true],
  ['Loss', ({ loss }) => [loss === null ? none : typesetNumber(loss, 4)], true],
  [
    `Sum of ${matrixName(matrix)} traces`,
    // Over the layers that both have.
    ({ trace }) => [
      layers.length > 0 ? typesetNumber(trace.estimate, 4) : none,
      trace.stderrAtMost > 0
        ? element('span', { class: 'error' }, ` ± ${typesetNumber(trace.stderrAtMost, 2)} at most`)
        : undefined,
    ],
    true,
  ],
  [
    'Size at the suggested bits',
    ({ suggestion }) => [suggestion ? formatBytes(suggestion.bytes) : none],
    true,
  ],
  ['Effective bits', ({ suggestion }) => [suggestion ? suggestion.effectiveBits.toPrecision(3) : none], true],
  [
    'Predicted loss increase, ½ ΣΩ',
    ({ suggestion }) => [suggestion ? typesetNumber(suggestion.sensitivity / 2) : none],
    true,
  ],
];

const row =
  ({ a, b }: ReportComparison) =>
  ([label, of, numeric]: Row): HTMLElement =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, label),
      ...[a, b].map(side => element('td', numeric ? { class: 'number' } : {}, ...of(side))),
    );

const head = ({ names }: CompareState): HTMLElement =>
  element(
    'tr',
    {},
    element('td'),
    ...(['a', 'b'] as const).map(side =>
      element('th', { scope: 'col' }, sideMark(side), breakableCode(names[side])),
    ),
  );

const onlyIn = (side: string, names: readonly string[]): Child[] =>
  names.length === 0
    ? []
    : [
        element(
          'span',
          {},
          `Only ${side} has a trace for `,
          ...names.flatMap((name, i) => [i ? ', ' : '', element('code', {}, name)]),
          '.',
        ),
      ];

/** What is compared, both as a whole, and what makes the numbers harder to compare. */
export function glance(): Part {
  const subject = element('p', { class: 'meaning' });
  const { root: scroller, table } = plainTable('Both reports at a glance');
  const notes = element('ul', { class: 'notes' });
  const root = panel('At a glance', 'glance');
  root.append(subject, scroller, notes);
  return {
    root,
    update(state) {
      const { comparison } = state;
      root.hidden = !comparison;
      if (!comparison) return;
      fill(subject, comparison, () => [[comparison.subject, advice(comparison)].filter(Boolean).join(' ')]);
      fill(table, [comparison, state.names], () => [
        element('thead', {}, head(state)),
        element('tbody', {}, ...rows(comparison).map(row(comparison))),
      ]);
      const warnings: Child[] = [
        ...comparison.notes,
        ...onlyIn('A', comparison.onlyInA),
        ...onlyIn('B', comparison.onlyInB),
      ];
      const info = caution(comparison);
      fill(notes, comparison, () => [
        ...warnings.map(text => element('li', {}, icon('warning'), element('span', {}, text))),
        info ? element('li', {}, icon('info'), element('span', {}, info)) : undefined,
      ]);
    },
  };
}
