import type { Estimate, LayerReport, Report } from '../../engine/report/schema';
import { doubtOf, doubtText } from '../../engine/report/doubt';
import { hasOneScale } from '../../engine/report/granularity';
import { formatBytes, formatEstimate, formatNumber } from '../../engine/report/format';
import { formatCount, visible } from './format';

/**
 * What a hover says about a layer. Everything from the model goes through `escapeMarkdown`: a name can neither format
 * the text nor smuggle a link in. `spectrumLink` is a `command:` URI of ours.
 */
export function layerMarkdown(layer: LayerReport, report: Report, spectrumLink?: string): string {
  const shape = layer.shape.length ? ` ${layer.shape.join(' × ')},` : '';
  const now = layer.currentBits === undefined ? '' : ` of ${layer.currentBits} bits now`;
  const parts = [
    `**${escapeMarkdown(layer.name)}** — ${escapeMarkdown(layer.opType)},${shape} ${formatCount(layer.parameters)} weights${now}`,
    ...(layer.status === 'analysed' ? analysed(layer, report) : [missing(layer)]),
    ...(spectrumLink ? [`[Spectrum of this layer](${spectrumLink})`] : []),
    ...(report.complete ? [] : ['*These are partial results: the analysis has not finished.*']),
    ...(report.data.source === 'synthetic' ? ['*Measured without data, on synthetic inputs.*'] : []),
  ];
  return parts.join('\n\n');
}

/** What a hover says before any analysis. `commandLink` is a `command:` URI of ours. */
export const notAnalysedMarkdown = (layers: readonly string[], commandLink: string | undefined): string =>
  [
    `**${layers.map(escapeMarkdown).join(', ')}**`,
    `Not analysed yet.${commandLink ? ` [Analyze Curvature](${commandLink})` : ''}`,
  ].join('\n\n');

/** A `command:` URI as Markdown takes it: names may hold parentheses, which would end the link. */
export const commandLink = (command: string, args: readonly string[]): string =>
  `command:${command}?${encodeURIComponent(JSON.stringify(args)).replace(/[()]/g, mark => `%${mark.charCodeAt(0).toString(16)}`)}`;

/** A backslash before every punctuation mark: nothing is left that Markdown, HTML, autolinks or `$(icon)` could take up. */
export const escapeMarkdown = (text: string): string => visible(text).replace(/[!-/:-@[-`{-~]/g, '\\$&');

function missing(layer: LayerReport): string {
  const reason = layer.reason ? `: ${escapeMarkdown(layer.reason)}` : '.';
  return layer.status === 'pending' ? 'The analysis stopped before this layer.' : `Not reached${reason}`;
}

/** What to do first, then what it rests on; a hover shows some ten lines before it scrolls. */
function analysed(layer: LayerReport, report: Report): string[] {
  const { trace } = layer;
  const scales = hasOneScale(layer, layer.bits) ? ', one scale for all weights' : '';
  const suggestion =
    layer.bits === null ? [] : [`Suggested: **${layer.bits} bits**${scales}, ${size(layer, layer.bits)}`];
  const average =
    layer.averageTrace === null ? '' : `, ${formatNumber(layer.averageTrace)} per weight on average`;
  const traces = [
    ...(trace.ggn ? [`Trace (GGN): ${estimateText(trace.ggn, 'draws')}`] : []),
    ...(trace.hessian ? [`Trace (Hessian): ${estimateText(trace.hessian, 'probes')}`] : []),
  ];
  const how = [
    ...(layer.method === 'differences'
      ? ['Measured by differences of forward runs: no derivative reaches it.']
      : []),
    ...(layer.method === 'ggn' ? ['Measured by first derivatives: there is no second one.'] : []),
    ...(trace.hessian ? [] : [hessianWords(layer, report)]),
  ];
  return [
    ...suggestion,
    bitTable(layer, report),
    ...doubtLine(layer, report),
    `${traces.join('; ')}${average}`,
    ...(how.length ? [how.join(' ')] : []),
  ];
}

/** What the GGN's trace says of the Hessian's, where that was not measured itself. */
function hessianWords(layer: LayerReport, report: Report): string {
  const why = report.settings.loss === 'kl' ? 'kl at the model’s own output' : 'piecewise linear';
  return layer.hessianEqualsGgn
    ? `The Hessian’s is the same (${why}).`
    : 'The Hessian’s may differ from the GGN’s (curved path).';
}

/** @param unit what the estimate's samples are: draws for every sample of the data, or probes over all of them */
export function estimateText(estimate: Estimate, unit: 'draws' | 'probes'): string {
  const { exact, converged, samples, dataStderr } = estimate;
  const data = dataStderr === undefined ? '' : `; other samples: ± ${Number(dataStderr.toPrecision(2))}`;
  if (exact) return `**${formatEstimate(estimate)}** (exact${data})`;
  const state = converged ? '' : ', not converged';
  return `**${formatEstimate(estimate)}** (${samples} ${unit}${state}${data})`;
}

const size = (layer: LayerReport, bits: number): string => {
  const bytes = layer.sizeBytes[bits];
  return bytes === undefined ? 'size unknown' : formatBytes(bytes);
};

/** Hovers draw tables without any space between the columns. An entity, since Markdown trims the space itself. */
const GAP = '&emsp;';

const DOUBT = '⚠';

/** Which of the Ω not to believe, and why the suggested one or the first of them. */
function doubtLine(layer: LayerReport, report: Report): string[] {
  const doubted = report.settings.bits.filter(bits => doubtOf(report, layer.name, bits));
  const told = doubted.find(bits => bits === layer.bits) ?? doubted[0];
  const step = told === undefined ? undefined : doubtOf(report, layer.name, told);
  if (!step) return [];
  return [`${DOUBT} Not trusted at ${doubted.join(' and ')} bits: at ${told} ${doubtText(step)}.`];
}

/** Ω is HAWQ-V2's sensitivity, average trace times squared quantization error; or twice the divergence that was measured. */
function bitTable(layer: LayerReport, report: Report): string {
  const { bits: widths, measureUpTo = 0 } = report.settings;
  const rows = widths.map(bits => {
    const omega = layer.sensitivity[bits];
    const stderr = layer.sensitivityStderr[bits];
    const mark = bits === layer.bits ? '**' : '';
    const value =
      omega === undefined ? '–' : formatNumber(omega) + (stderr ? ` ± ${formatNumber(stderr)}` : '');
    const doubt = doubtOf(report, layer.name, bits) ? ` ${DOUBT}` : '';
    const origin = bits <= measureUpTo ? 'measured ' : '';
    return `| ${mark}${bits}${mark} | ${GAP}${origin}${value}${doubt} | ${GAP}${size(layer, bits)} |`;
  });
  return [`| bits | ${GAP}Ω | ${GAP}size |`, '|--:|--:|--:|', ...rows].join('\n');
}
