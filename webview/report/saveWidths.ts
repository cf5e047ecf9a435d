import { bitsText } from '../../src/engine/report/bitsText';
import { granularityOf } from '../../src/engine/report/granularity';
import type { Channel } from '../shared/channel';
import { element } from '../shared/element';
import { bitsByName } from './plan';
import type { Shown } from './section';

/** Hands the widths over to VS Code; in a saved page, where nobody answers, the browser saves the file. */
export function saveWidths(channel: Channel, { measured, plan }: Shown): void {
  if (!measured || !plan) return;
  const bits = bitsByName(measured, plan);
  if (channel.hasHost) {
    channel.post({ type: 'saveBits', bits });
    return;
  }
  const model = measured.model.file.split(/[\\/]/).at(-1) ?? 'model.onnx';
  const base = model.replace(/\.onnx$/i, '');
  const text = bitsText({
    model,
    report: `${base}.curvature.json`,
    granularity: granularityOf(measured),
    bits,
  });
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  element('a', { href: url, download: `${base}.bits.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Only VS Code can: the model is not in the page. */
export function exportModel(channel: Channel, { measured, plan }: Shown): void {
  if (measured && plan) channel.post({ type: 'exportQuantized', bits: bitsByName(measured, plan) });
}
