import type { Estimate, LayerReport, Report } from '../../src/engine/report/schema';
import { scalesPer } from '../../src/engine/report/granularity';
import { type Child, element, icon, spoken } from '../shared/element';
import { formatCount, formatPercent, formatShape, typesetNumber } from '../shared/format';
import { bitChip } from './bitChip';
import { errorPlace } from './errorPlace';
import { bitWidths, decidingTrace, matrixName } from './facts';
import { doubtNote } from './trustWords';

export type SortKey = number | string | undefined;

export interface Column {
  readonly id: string;
  readonly label: string;
  /** What the label stands for, where it is short. */
  readonly hint?: string;
  readonly numeric: boolean;
  /** What its cells hold beside a figure. */
  readonly className?: string;
  /** What the column is sorted by; layers without a figure come last either way. */
  readonly key: (layer: LayerReport) => SortKey;
  readonly cell: (layer: LayerReport) => readonly Child[];
  /** What speaks against the figure. */
  readonly doubt?: (layer: LayerReport) => string | undefined;
  /** For cells with controls in them, which stay while what they show changes. */
  readonly draw?: (cell: HTMLElement, layer: LayerReport) => void;
  /** The same for a spreadsheet, in full precision; two fields where there is an error. */
  readonly fields: readonly string[];
  readonly copy: (layer: LayerReport) => readonly (string | number)[];
}

const dash = (): Child[] => [element('span', { class: 'none', title: 'No figure' }, '–')];

/** Before the budget is spent nothing is suggested; what curvature can't reach stays in float. */
const suggestion = (layer: LayerReport): Child[] =>
  layer.bits === null && layer.status !== 'not-reached' ? dash() : [bitChip(layer.bits)];

const number = (value: number | undefined | null): Child[] =>
  value === undefined || value === null ? dash() : [typesetNumber(value)];

/** What stands behind `±`; nothing where nothing was sampled. */
const errorText = (estimate: Estimate): string =>
  estimate.exact ? '' : `± ${typesetNumber(estimate.stderr, 2)}`;

function badge(estimate: Estimate): HTMLElement | undefined {
  if (estimate.exact) {
    const title = 'Every direction was taken; only rounding is left';
    return element('span', { class: 'badge', title }, 'exact');
  }
  if (estimate.converged) return undefined;
  const title = 'The cap on probes was reached before the tolerance';
  return element('span', { class: 'badge warned', title }, 'capped');
}

/** Figure, error and badge each in a place of their own, so that figures stand under each other. */
const estimateCell = (estimate: Estimate | undefined): Child[] => [
  ...number(estimate?.estimate),
  element('span', { class: 'error' }, estimate && errorText(estimate)),
  element('span', { class: 'beside' }, estimate && badge(estimate)),
];

/** The places that a column needs beside its figures. */
function places(estimates: readonly Estimate[]): string {
  return [
    'estimate',
    errorPlace(estimates.map(errorText)),
    estimates.some(estimate => badge(estimate) !== undefined) ? 'with-badge' : '',
  ].join(' ');
}

function traceColumn(matrix: 'ggn' | 'hessian', report: Report): Column {
  const name = `${matrixName(matrix)} trace`;
  return {
    id: `trace-${matrix}`,
    label: name,
    hint: `Trace of the layer’s block of the ${matrixName(matrix)} ± standard error`,
    numeric: true,
    className: places(report.layers.flatMap(layer => layer.trace[matrix] ?? [])),
    key: layer => layer.trace[matrix]?.estimate,
    cell: layer => estimateCell(layer.trace[matrix]),
    fields: [name, `${name} stderr`],
    copy: layer => [layer.trace[matrix]?.estimate ?? '', layer.trace[matrix]?.stderr ?? ''],
  };
}

function simple(
  id: string,
  label: string,
  numeric: boolean,
  key: (layer: LayerReport) => SortKey,
  cell: Column['cell'] = layer => [String(key(layer) ?? '')],
  hint?: string,
): Column {
  return { id, label, hint, numeric, key, cell, fields: [label], copy: layer => [key(layer) ?? ''] };
}

/** Before a figure that should not be believed, so that figures still stand under each other. */
const doubtMark = (doubt: string): HTMLElement =>
  element('span', { class: 'doubt', title: doubt }, icon('warning'), spoken(doubt));

const omegaColumn = (report: Report, bits: number, isMeasured: boolean): Column => ({
  id: `omega-${bits}`,
  label: isMeasured ? `2D ${bits} bit` : `Ω ${bits} bit`,
  hint: isMeasured
    ? `Twice the divergence of the outputs, measured with the layer alone at ${bits} bits; stands in place of Ω`
    : `Ω = average trace × squared quantization error at ${bits} bits`,
  numeric: true,
  key: layer => layer.sensitivity[String(bits)],
  cell: layer => {
    const value = number(layer.sensitivity[String(bits)]);
    const figure = layer.bits === bits ? [element('strong', { class: 'chosen' }, ...value)] : value;
    const doubt = doubtNote(report, layer.name, bits);
    return doubt ? [doubtMark(doubt), ...figure] : figure;
  },
  doubt: layer => doubtNote(report, layer.name, bits),
  fields: [`Ω ${bits} bit`, `Ω ${bits} bit stderr`],
  copy: layer => [layer.sensitivity[String(bits)] ?? '', layer.sensitivityStderr[String(bits)] ?? ''],
});

/** Share of the redraws in which the layer keeps its width; dots while it is being found out. */
function keptColumn({ shares, isPending }: Kept): Column {
  const key = (layer: LayerReport): SortKey => shares?.get(layer);
  const cell = (layer: LayerReport): Child[] => {
    const share = shares?.get(layer);
    if (layer.bits === null || (share === undefined && !isPending)) return dash();
    if (share === undefined) return [element('span', { class: 'none', title: 'Being found out' }, '…')];
    const text = formatPercent(share);
    return share < 0.8 ? [element('span', { class: 'shaky' }, text)] : [text];
  };
  return simple(
    'kept',
    'Kept',
    true,
    key,
    cell,
    'How often the layer keeps its width when all sensitivities are redrawn from their standard errors',
  );
}

/** How often each layer keeps its width; undefined until it is known, and where the budget can't be met. */
export interface Kept {
  readonly shares: ReadonlyMap<LayerReport, number> | undefined;
  readonly isPending: boolean;
}

/** What the reader's side of the table adds to the report's. */
export interface Beside {
  /** Where widths can be chosen: a cell to choose in, and the pin and tie in words. */
  readonly widths:
    | {
        readonly draw: (cell: HTMLElement, layer: LayerReport) => void;
        readonly decided: (layer: LayerReport) => string;
      }
    | undefined;
  /** Undefined where sensitivities have no errors. */
  readonly kept: Kept | undefined;
}

function bitsColumn(widths: Beside['widths']): Column {
  const hint = widths
    ? 'Bit width; pick one to pin it. Letters join layers that take one width'
    : 'Bit width';
  const plain = simple('bits', 'Bits', false, layer => layer.bits ?? undefined, suggestion, hint);
  if (!widths) return plain;
  return {
    ...plain,
    className: 'widths',
    draw(cell, layer) {
      if (Object.keys(layer.sensitivity).length) widths.draw(cell, layer);
      else cell.replaceChildren(...suggestion(layer).filter(child => child !== undefined));
    },
    fields: ['Bits', 'Pin, tie'],
    copy: layer => [layer.bits ?? '', widths.decided(layer)],
  };
}

/** The columns after the layer's name; a matrix nobody measured has none. */
export function columnsFor(report: Report, { widths, kept }: Beside): Column[] {
  const measured = (['ggn', 'hessian'] as const).filter(matrix =>
    report.layers.some(layer => layer.trace[matrix]),
  );
  return [
    bitsColumn(widths),
    ...(kept ? [keptColumn(kept)] : []),
    simple('op', 'Operator', false, layer => layer.opType),
    simple(
      'shape',
      'Shape',
      false,
      layer => layer.shape.join('x'),
      layer => [formatShape(layer.shape)],
    ),
    simple(
      'parameters',
      'Weights',
      true,
      layer => layer.parameters,
      layer => [formatCount(layer.parameters)],
    ),
    ...(report.layers.some(layer => layer.granularity)
      ? [
          simple(
            'scales',
            'Scale per',
            false,
            layer => scalesPer(layer),
            layer => {
              const per = scalesPer(layer);
              return per ? [per] : dash();
            },
            'What has a scale of its own at the layer’s width: each output channel, or the whole tensor',
          ),
        ]
      : []),
    ...(report.layers.some(layer => layer.currentBits !== undefined)
      ? [
          simple(
            'currentBits',
            'Now',
            true,
            layer => layer.currentBits ?? 32,
            layer => [String(layer.currentBits ?? 32)],
            'Bits in which the model holds the weight',
          ),
        ]
      : []),
    ...measured.map(matrix => traceColumn(matrix, report)),
    simple(
      'averageTrace',
      'Avg. trace',
      true,
      layer => layer.averageTrace ?? undefined,
      layer => number(layer.averageTrace),
      'Trace divided by the number of weights',
    ),
    ...bitWidths(report).map(bits => omegaColumn(report, bits, bits <= (report.settings.measureUpTo ?? 0))),
    simple(
      'samples',
      'Probes',
      true,
      layer => decidingTrace(report, layer)?.samples,
      layer => {
        const trace = decidingTrace(report, layer);
        return trace ? [formatCount(trace.samples)] : dash();
      },
      'Probes or draws that the trace rests on',
    ),
  ];
}
