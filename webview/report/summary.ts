import { dataNoise } from '../../src/engine/report/dataNoise';
import type { Report } from '../../src/engine/report/schema';
import { type Child, element, fill, icon } from '../shared/element';
import {
  formatBytes,
  formatCount,
  formatPercent,
  formatSeconds,
  plural,
  shortCount,
  typesetNumber,
} from '../shared/format';
import { bitChip } from './bitChip';
import { bitsClass } from '../shared/theme';
import { decidedLayers, fp32Bytes, layersByBits, matrixName, predictedIncrease, sum } from './facts';
import type { Section } from './section';

const tile = (className: string, label: string, value: Child[], ...notes: Child[]): HTMLElement =>
  element(
    'div',
    { class: `tile ${className}` },
    element('dt', {}, label),
    element('dd', { class: 'value' }, ...value),
    ...notes.map(note => (note === undefined ? undefined : element('dd', { class: 'note' }, note))),
  );

/** The suggested size drawn within today's, in one stripe per bit width. */
function sizeBar(report: Report): HTMLElement {
  const layers = decidedLayers(report);
  const whole = fp32Bytes(layers);
  const stripes = [...layersByBits(layers, layer => layer.bits)].map(([bits, group]) => {
    const bytes = sum(group.map(layer => layer.sizeBytes[String(bits)] ?? 0));
    const stripe = element('span', { class: `stripe ${bitsClass(bits)}` });
    stripe.style.width = `${(100 * bytes) / whole}%`;
    stripe.title = `${bits} bit: ${formatBytes(bytes)}`;
    return stripe;
  });
  return element('span', { class: 'size-bar', 'aria-hidden': 'true' }, ...stripes);
}

const bitCounts = (report: Report): HTMLElement =>
  element(
    'span',
    { class: 'bit-counts' },
    ...[...layersByBits(decidedLayers(report), layer => layer.bits)].map(([bits, group]) =>
      element('span', { class: 'bit-count' }, bitChip(bits), plural(group.length, 'layer')),
    ),
  );

/** A sum over layers says little where they cost much through each other. */
function coupled({ studies }: Report): HTMLElement | undefined {
  const { verdict, spread } = studies?.coupling?.additivity ?? {};
  if (verdict !== 'not-additive' || spread === undefined) return undefined;
  return element(
    'span',
    { class: 'doubt' },
    icon('warning'),
    `Layers are coupled, which this sum leaves out: ±${formatPercent(spread)} of it (σ)`,
  );
}

function sizeTiles(report: Report): HTMLElement[] {
  const layers = decidedLayers(report);
  if (!report.budget || !layers.length) return [];
  const { chosen } = report.budget;
  const whole = fp32Bytes(layers);
  const { value, stderrAtMost } = predictedIncrease(report) ?? { value: 0, stderrAtMost: 0 };
  const ofLoss = report.loss ? value / report.loss : undefined;
  return [
    tile(
      'hero size',
      'Quantizable weights',
      [
        element('span', { class: 'from' }, formatBytes(whole)),
        element('span', { class: 'arrow', 'aria-label': 'to' }, '→'),
        formatBytes(chosen.bytes),
      ],
      sizeBar(report),
      bitCounts(report),
    ),
    tile(
      'hero',
      'Compression against fp32',
      [`${(whole / chosen.bytes).toPrecision(3)}×`],
      `${chosen.effectiveBits.toPrecision(3)} effective bits per weight`,
    ),
    tile(
      'hero',
      'Predicted loss increase, ½ ΣΩ',
      [typesetNumber(value)],
      stderrAtMost ? `± ${typesetNumber(stderrAtMost, 2)} at most` : 'exact',
      value <= 0 ? 'no increase predicted' : ofLoss ? `${formatPercent(ofLoss)} of the loss` : undefined,
      coupled(report),
    ),
  ];
}

const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;

function dataTile(report: Report): HTMLElement {
  const { data } = report;
  const samples = plural(report.samples, 'sample');
  if (data.source === 'file') {
    const labels = data.labels ? `labels from “${data.labels}”` : 'without labels';
    const noise = dataNoise(report);
    const others = noise === undefined ? [] : [`other samples: traces ± ${formatPercent(noise)}`];
    return tile('', 'Data', [fileName(data.file ?? 'file')], `${samples}, ${labels}`, ...others);
  }
  const warned = tile(
    '',
    'Data',
    [icon('warning'), 'Synthetic inputs'],
    element('strong', {}, 'Not your data'),
    samples,
  );
  warned.classList.add('warned');
  return warned;
}

const losses = {
  'cross-entropy': 'cross-entropy',
  mse: 'mean squared error',
  kl: 'KL against its own output',
} as const;

type Matrix = 'ggn' | 'hessian';

/** How the traces were come by; the tolerance is what was asked for, whether or not the cap on probes came first. */
function method(report: Report, matrix: Matrix): string {
  const estimates = report.layers.flatMap(layer => layer.trace[matrix] ?? []);
  if (estimates.length && estimates.every(estimate => estimate.exact)) return 'exact';
  const sampling = matrix === 'ggn' ? 'sampled output factors' : 'Hutchinson';
  return `${sampling}, stops at ${formatPercent(report.settings.rtol)} error`;
}

function curvatureTile(report: Report): HTMLElement {
  const { matrix, sensitivityMatrix } = report.settings;
  if (matrix !== 'both')
    return tile('', 'Curvature', [`${matrixName(matrix)} trace`], method(report, matrix));
  const note = (one: Matrix): string =>
    `${matrixName(one)}: ${method(report, one)}${one === sensitivityMatrix ? '; decides the bits' : ''}`;
  return tile('', 'Curvature', ['GGN and Hessian'], note('ggn'), note('hessian'));
}

function factTiles(report: Report): HTMLElement[] {
  const { model, settings } = report;
  const seconds = sum(Object.values(report.timings));
  return [
    dataTile(report),
    tile(
      '',
      'Loss',
      [report.loss === null ? 'not measured' : typesetNumber(report.loss, 4)],
      `${losses[settings.loss]}, mean of ${formatCount(report.samples)}`,
    ),
    curvatureTile(report),
    tile(
      '',
      'Parameters',
      [shortCount(model.parameters)],
      `${plural(report.layers.length, 'layer')}, ${plural(model.nodes, 'node')}`,
    ),
    tile(
      '',
      'Device',
      [(report.device?.provider ?? settings.executionProvider).toUpperCase()],
      // Without a number of threads ONNX Runtime chose one, and doesn't say which.
      `${settings.threads ? `${plural(settings.threads, 'thread')}, ` : ''}took ${formatSeconds(seconds)}`,
    ),
  ];
}

/** The few figures that someone who reads nothing else should see. */
export function summary(): Section {
  const heroes = element('dl', { class: 'tiles heroes' });
  const facts = element('dl', { class: 'tiles facts' });
  const root = element(
    'section',
    { class: 'summary', 'aria-label': 'Summary' },
    element('h2', { class: 'spoken' }, 'Summary'),
    heroes,
    facts,
  );
  return {
    root,
    update({ state: { report } }) {
      root.hidden = !report;
      if (!report) return;
      const large = sizeTiles(report);
      heroes.hidden = !large.length;
      fill(
        heroes,
        [
          [report.budget, report.loss, report.studies?.coupling?.additivity],
          report.layers.map(layer => [layer.bits, layer.sensitivityStderr]),
        ],
        () => large,
      );
      fill(
        facts,
        [
          [report.model, report.data, report.settings, report.samples, report.loss, report.timings],
          report.layers.map(layer => layer.trace),
        ],
        () => factTiles(report),
      );
    },
  };
}
