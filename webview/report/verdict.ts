import { FLOAT32 } from '../../src/engine/analysis/reportProblem';
import type { Report } from '../../src/engine/report/schema';
import type { ViewState } from '../../src/protocol/view';
import { formatPercent, plural } from '../shared/format';
import { type DecidedLayer, decidedLayers, layersByBits, sensitivityAt, sum } from './facts';

/** A piece of a sentence; names of layers are set apart as code. */
export type Phrase = string | { readonly layer: string };

/** How widths are spoken of: the report's suggestion says what layers need, the reader's choice what they get. */
interface Voice {
  readonly stand: (count: number) => string;
  readonly need: (count: number) => string;
}
const suggested: Voice = {
  stand: count => (count === 1 ? 'stands' : 'stand'),
  need: count => (count === 1 ? 'needs' : 'need'),
};
const chosen: Voice = {
  stand: count => (count === 1 ? 'gets' : 'get'),
  need: count => (count === 1 ? 'gets' : 'get'),
};

const widthWords = (bits: number): string => (bits === FLOAT32 ? 'float 32' : `${bits} bits`);

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
  voice: Voice,
): Phrase[] {
  const total = sum(all.map(layer => positive(sensitivityAt(layer, ordinary))));
  const share = sum(above.map(layer => positive(sensitivityAt(layer, ordinary)))) / total;
  const [first] = [...above].sort(
    (a, b) => positive(sensitivityAt(b, ordinary)) - positive(sensitivityAt(a, ordinary)),
  );
  if (!first) return ['.'];
  const widths = [...new Set(above.map(layer => layer.bits))]
    .sort((a, b) => a - b)
    .map(bits => (bits === FLOAT32 ? 'float 32' : String(bits)))
    .join(' or ');
  const carries =
    total > 0 ? ` ${formatPercent(share)} of the predicted loss increase at ${ordinary} bits.` : undefined;
  return above.length === 1
    ? ['; ', { layer: first.name }, ` ${voice.need(1)} ${widths}`, carries ? `: it carries${carries}` : '.']
    : [
        `; ${above.length} ${voice.need(2)} ${widths}, `,
        { layer: first.name },
        ' most of all',
        carries ? `: they carry${carries}` : '.',
      ];
}

/** What the suggestion comes to, in plain words. */
function suggestion(report: Report, isOwn: boolean): Phrase[] {
  const voice = isOwn ? chosen : suggested;
  const layers = decidedLayers(report);
  if (!layers.length) return ['No layer could be given a bit width; the list below says why.'];
  const ordinary = ordinaryBits(layers);
  const above = layers.filter(layer => layer.bits > ordinary);
  const below = layers.filter(layer => layer.bits < ordinary).length;
  const within = layers.length - above.length;
  const orFewer = below ? ' or fewer' : '';
  const own = isOwn ? 'Your choice: ' : '';
  const only = layers.length === 1 ? 'the only layer' : `all ${layers.length} layers`;
  if (!above.length) {
    return [capital(`${own}${only} ${voice.stand(layers.length)} ${widthWords(ordinary)}${orFewer}.`)];
  }
  return [
    `${own}${within} of ${layers.length} layers ${voice.stand(within)} ${widthWords(ordinary)}${orFewer}`,
    ...exceptions(layers, above, ordinary, voice),
  ];
}

function soFar(report: Report | undefined): string {
  const total = report?.layers.length ?? 0;
  if (!report || !total) return '';
  const done = report.layers.filter(layer => layer.status === 'analysed').length;
  return `${done} of ${plural(total, 'layer')}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The one sentence at the head of the page; `isOwn` where the widths are the reader's choice. */
export function verdict(state: ViewState, isOwn = false): Phrase[] {
  const { report } = state;
  switch (state.phase) {
    case 'idle':
      return report
        ? suggestion(report, isOwn)
        : ['Not analysed yet. An analysis measures which layers stand fewer bits.'];
    case 'running':
      return [
        report ? `Measuring curvature: ${soFar(report)} so far.` : 'Measuring curvature layer by layer.',
      ];
    case 'done':
      return report ? suggestion(report, isOwn) : ['The analysis gave no report.'];
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
