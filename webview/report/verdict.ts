import type { Report } from '../../src/engine/report/schema';
import type { ViewState } from '../../src/protocol/view';
import { formatPercent, plural } from '../shared/format';
import { type DecidedLayer, decidedLayers, layersByBits, sensitivityAt, sum } from './facts';

/** A piece of a sentence; names of layers are set apart as code. */
export type Phrase = string | { readonly layer: string };

/** The widest but one of the widths in use, so that the sentence can name what needs the widest, and why. */
function ordinaryBits(layers: readonly DecidedLayer[]): number {
  const widths = [...layersByBits(layers, layer => layer.bits).keys()];
  return widths.at(-2) ?? widths.at(-1) ?? 0;
}

const positive = (value: number | undefined): number => Math.max(0, value ?? 0);

/** `conv1.weight needs 8: it carries 61 % of …`, or the same for several layers at once. */
function exceptions(
  all: readonly DecidedLayer[],
  above: readonly DecidedLayer[],
  ordinary: number,
): Phrase[] {
  const total = sum(all.map(layer => positive(sensitivityAt(layer, ordinary))));
  const share = sum(above.map(layer => positive(sensitivityAt(layer, ordinary)))) / total;
  const [first] = [...above].sort(
    (a, b) => positive(sensitivityAt(b, ordinary)) - positive(sensitivityAt(a, ordinary)),
  );
  if (!first) return ['.'];
  const widths = [...new Set(above.map(layer => layer.bits))].sort((a, b) => a - b).join(' or ');
  const carries =
    total > 0 ? ` ${formatPercent(share)} of the predicted loss increase at ${ordinary} bits.` : undefined;
  return above.length === 1
    ? ['; ', { layer: first.name }, ` needs ${widths}`, carries ? `: it carries${carries}` : '.']
    : [
        `; ${above.length} need ${widths}, `,
        { layer: first.name },
        ' most of all',
        carries ? `: they carry${carries}` : '.',
      ];
}

/** What the suggestion comes to, in plain words. */
function suggestion(report: Report): Phrase[] {
  const layers = decidedLayers(report);
  if (!layers.length) return ['No layer could be given a bit width; the list below says why.'];
  const ordinary = ordinaryBits(layers);
  const above = layers.filter(layer => layer.bits > ordinary);
  const below = layers.filter(layer => layer.bits < ordinary).length;
  const within = layers.length - above.length;
  const orFewer = below ? ' or fewer' : '';
  const all = layers.length === 1 ? 'The only layer stands' : `All ${layers.length} layers stand`;
  if (!above.length) return [`${all} ${ordinary} bits${orFewer}.`];
  return [
    `${within} of ${layers.length} layers ${within === 1 ? 'stands' : 'stand'} ${ordinary} bits${orFewer}`,
    ...exceptions(layers, above, ordinary),
  ];
}

function soFar(report: Report | undefined): string {
  const total = report?.layers.length ?? 0;
  if (!report || !total) return '';
  const done = report.layers.filter(layer => layer.status === 'analysed').length;
  return `${done} of ${plural(total, 'layer')}`;
}

/** The one sentence at the head of the page. */
export function verdict(state: ViewState): Phrase[] {
  const { report } = state;
  switch (state.phase) {
    case 'idle':
      return report
        ? suggestion(report)
        : ['Not analysed yet. An analysis measures which layers stand fewer bits.'];
    case 'running':
      return [
        report ? `Measuring curvature: ${soFar(report)} so far.` : 'Measuring curvature layer by layer.',
      ];
    case 'done':
      return report ? suggestion(report) : ['The analysis gave no report.'];
    case 'cancelled':
      return report
        ? [`Cancelled with ${soFar(report)} measured; what was measured is kept below.`]
        : ['Cancelled before the first result.'];
    case 'failed':
      return report
        ? [`The analysis failed with ${soFar(report)} measured; what was measured is kept below.`]
        : ['The analysis failed.'];
  }
}
