import { doubtOf, doubtText } from '../../engine/report/doubt';
import { formatBytes, formatNumber } from '../../engine/report/format';
import type { Report } from '../../engine/report/schema';
import type { BitWidths } from '../chosenWidths';
import { formatPercent } from '../text/format';
import { escapeMarkdown, estimateText } from '../text/layerMarkdown';
import { ratedWidths, tooFewBits } from './findings';

/** What a hover says about a layer's width; undefined for names that the report doesn't know. */
export function widthMarkdown(name: string, bits: BitWidths, report: Report): string | undefined {
  const layer = report.layers.find(one => one.name === name);
  if (!layer) return undefined;
  const width = bits[name];
  const rated = ratedWidths(bits, report).find(one => one.layer === layer);
  const few = tooFewBits(bits, report).find(one => one.width.layer === layer);
  const size = layer.sizeBytes[String(width)];
  const stderr = layer.sensitivityStderr[String(width)];
  const trace = layer.trace[report.settings.sensitivityMatrix] ?? layer.trace.ggn;
  const head = `**${escapeMarkdown(name)}** at ${width === 32 ? 'float32' : `${width} bits`}`;
  const omega = rated && `Ω ${formatNumber(rated.omega)}${stderr ? ` ± ${formatNumber(stderr)}` : ''}`;
  const facts = [
    ...(rated ? [`${formatPercent(rated.share)} of the predicted loss increase of these widths`] : []),
    ...(omega ? [omega] : []),
    ...(size === undefined ? [] : [formatBytes(size)]),
  ].join(' · ');
  const doubt = width === undefined ? undefined : doubtOf(report, name, width);
  const need = few && `It needs **${few.use} bits**.`;
  const suggested =
    layer.bits === null || layer.bits === few?.use ? undefined : `Suggested: **${layer.bits} bits**.`;
  return [
    head,
    facts,
    [need, suggested].filter(Boolean).join(' '),
    doubt ? `⚠ Not trusted: ${doubtText(doubt)}.` : '',
    trace
      ? `Trace ${estimateText(trace, report.settings.sensitivityMatrix === 'ggn' ? 'draws' : 'probes')}`
      : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}
