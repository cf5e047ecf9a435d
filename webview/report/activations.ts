import {
  bopsAllocation,
  type BopsAllocation,
  type BopsWidths,
} from '../../src/engine/analysis/bopsAllocation';
import { activationName } from '../../src/engine/report/activationName';
import type { ActivationReport, Report } from '../../src/engine/report/schema';
import { slider } from '../shared/controls';
import { breakableCode, type Child, element, fill, setText } from '../shared/element';
import { typesetNumber } from '../shared/format';
import { fullTable } from '../shared/scrollingTable';
import { bitChip } from './bitChip';
import { errorPlace } from './errorPlace';
import { bitWidths, matrixName } from './facts';
import { panel, type Section } from './section';

const STEPS = 200;
const rangeWords = {
  'min-max': 'from the least to the largest value',
  percentile: 'without the outermost 0.01 % on either side',
  entropy: 'cut where the least entropy is lost',
} as const;

interface Column {
  readonly label: string;
  readonly hint?: string;
  readonly className?: string;
  readonly cell: (activation: ActivationReport) => readonly Child[];
}

interface Figure {
  readonly value: number | undefined;
  readonly stderr: number | undefined;
  readonly isChosen?: boolean;
}

const errorText = ({ stderr = 0 }: Figure): string => (stderr > 0 ? `± ${typesetNumber(stderr, 2)}` : '');

/** Figures and their standard errors, each in places of their own. */
function estimates(
  label: string,
  hint: string,
  activations: readonly ActivationReport[],
  figure: (activation: ActivationReport) => Figure,
): Column {
  return {
    label,
    hint,
    className: `number estimate ${errorPlace(activations.map(a => errorText(figure(a))))}`.trim(),
    cell(activation) {
      const found = figure(activation);
      const value = found.value === undefined ? '–' : typesetNumber(found.value);
      return [
        found.isChosen ? element('strong', { class: 'chosen' }, value) : value,
        element('span', { class: 'error' }, errorText(found)),
      ];
    },
  };
}

function columnsFor(report: Report, widths: BopsWidths | undefined): Column[] {
  const { activations = [], settings } = report;
  const method = settings.activations ?? 'min-max';
  const chosen = (a: ActivationReport): number | undefined => widths?.bits.get(activationName(a.name));
  const trace = (key: 'trace' | 'hessianTrace', matrix: 'ggn' | 'hessian'): Column[] =>
    activations.some(a => a[key])
      ? [
          estimates(
            `${matrixName(matrix)} trace`,
            `Trace of the ${matrixName(matrix)} of a sample’s loss by the activation, mean over the samples ± standard error`,
            activations,
            a => ({ value: a[key]?.estimate, stderr: a[key]?.stderr }),
          ),
        ]
      : [];
  return [
    ...(widths
      ? [
          {
            label: 'Bits',
            hint: 'Of the activation and of the weights that it is multiplied by',
            cell: (a: ActivationReport) => {
              const bits = chosen(a);
              return bits === undefined ? ['–'] : [bitChip(bits)];
            },
          },
        ]
      : []),
    {
      label: 'Read by',
      hint: 'Layers, or products of two activations',
      cell: a => [a.layers.length > 0 ? element('code', {}, a.layers.join(', ')) : 'products'],
    },
    {
      label: 'Range',
      className: 'number',
      hint: `Within which it is quantized: ${rangeWords[method]}`,
      cell: a => [`${typesetNumber(a.ranges[method].min)} to ${typesetNumber(a.ranges[method].max)}`],
    },
    ...trace('trace', 'ggn'),
    ...trace('hessianTrace', 'hessian'),
    ...bitWidths(report).map(bits =>
      estimates(
        `Ω ${bits} bit`,
        `Average trace × squared quantization error of a sample at ${bits} bits`,
        activations,
        a => ({
          value: a.sensitivity[bits],
          stderr: a.sensitivityStderr[bits],
          isChosen: chosen(a) === bits,
        }),
      ),
    ),
  ];
}

const heading = ({ label, hint, className }: Column): HTMLElement =>
  element(
    'th',
    { scope: 'col', ...(className ? { class: className } : {}), ...(hint ? { title: hint } : {}) },
    label,
  );

const row = (activation: ActivationReport, columns: readonly Column[]): HTMLElement =>
  element(
    'tr',
    activation.reason ? { title: `No trace: ${activation.reason}` } : {},
    element('th', { scope: 'row' }, breakableCode(activation.name)),
    ...columns.map(({ className, cell }) =>
      element('td', className ? { class: className } : {}, ...cell(activation)),
    ),
  );

/** What a runtime of integers would quantize beside the weights, and the widths that a limit on the bit operations allows. */
export function activations(): Section {
  const said = element('p', { class: 'meaning' });
  const control = slider('Limit on the bit operations', step => {
    limit = allocation && allocation.smallest + (step / STEPS) * (allocation.largest - allocation.smallest);
    redraw();
  });
  const reading = element('output', { class: 'reading' });
  const budget = element(
    'div',
    { class: 'budget' },
    element('div', { class: 'budget-head' }, element('span', { class: 'budget-label' }, 'Bit operations')),
    control.root,
    reading,
  );
  const head = element('thead');
  const body = element('tbody');
  const title = 'Activations';
  const root = panel(title, 'activations');
  root.append(said, budget, fullTable(title, head, body).root);

  let report: Report | undefined;
  let allocation: BopsAllocation | undefined;
  /** Where the reader has moved it. */
  let limit: number | undefined;

  function redraw(): void {
    if (!report?.activations) return;
    const most = limit ?? allocation?.middle ?? 0;
    const widths = allocation?.within(most);
    budget.hidden = !widths;
    if (allocation && widths) {
      const { smallest, largest } = allocation;
      const words = `${typesetNumber(widths.bops)} bit operations a sample, ${Math.round((100 * widths.bops) / largest)} % of all at the largest width · ΣΩ ${typesetNumber(widths.sensitivity)}, weights included`;
      control.set(Math.round((STEPS * (most - smallest)) / (largest - smallest || 1)), STEPS, words);
      setText(reading, words);
    }
    const columns = columnsFor(report, widths);
    fill(head, [report.activations, widths !== undefined], () => [
      element(
        'tr',
        {},
        element('th', { scope: 'col', 'data-column': 'name' }, 'Activation'),
        ...columns.map(heading),
      ),
    ]);
    fill(body, [report.activations, [...(widths?.bits ?? [])]], () =>
      report!.activations!.map(activation => row(activation, columns)),
    );
  }

  return {
    root,
    update({ measured }) {
      root.hidden = !measured?.activations?.length;
      if (root.hidden || measured === report) return;
      report = measured;
      limit = undefined;
      allocation = measured && bopsAllocation(measured);
      setText(
        said,
        'Values that layers read, and the operands of products of two values, quantized with a zero point and one scale. ' +
          'In integer kernels an activation and the weights it is multiplied by take one width, so that the limit chooses for both; the widths above are for weights alone.',
      );
      redraw();
    },
  };
}
