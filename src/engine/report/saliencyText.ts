import { formatMeasured, formatNumber, samplesText } from './format';
import type { CorrectedChange, SaliencyReport } from './saliency';
import { alignColumns } from './table';

/** Saliencies for a terminal. Ends in a newline. */
export function saliencyToText(report: SaliencyReport): string {
  const { model, settings, samples, data, loss, layers, device } = report;
  const source = data.source === 'file' ? (data.file ?? 'the data') : 'synthetic inputs';
  const costs = ({ plain, corrected }: CorrectedChange): string[] =>
    [plain, corrected].flatMap(({ predicted, measured }) => [
      predicted ? formatNumber(predicted.value) : '–',
      formatMeasured(measured),
    ]);
  const header = ['layer', 'change', 'ΔL predicted', 'measured', 'corrected', 'measured'];
  const rows = layers.flatMap(({ name, pruned, quantized }) => [
    ...pruned.map(p => [name, `${Number((100 * p.sparsity).toPrecision(3))} % removed`, ...costs(p)]),
    ...quantized.map(q => [name, `${q.bits} bits`, ...costs(q)]),
  ]);
  const saliencies = layers.map(({ name, parameters, quantiles, total }) => [
    name,
    String(parameters),
    ...quantiles.map(x => formatNumber(x)),
    formatNumber(total),
  ]);
  return `${[
    `Inverse Fisher matrix of each layer of ${model.file}, from ${settings.gradients} gradients: ${settings.loss} ${formatNumber(loss)} on ${samplesText(samples)} of ${source}.`,
    '',
    'Saliency w²/(2 [F⁻¹]ᵢᵢ) of the weights',
    ...alignColumns(
      [['layer', 'parameters', 'least', '25 %', 'median', '75 %', 'most', 'sum'], ...saliencies],
      column => column === 0,
    ),
    '',
    'The least salient weights removed, or all rounded, one layer at a time; corrected: the layer’s other weights make up for it',
    ...alignColumns([header, ...rows], column => column < 2),
    '±: one standard error over the samples, each beside the unchanged model.',
    `Predicted: gᵀδ + ½ δᵀHδ of the step δ on all samples; where the measured change is far from it, the step is too long for second order. The form ½ δᵀFδ`,
    `of the ${settings.gradients} gradients (in the JSON) is no forecast of corrected steps: these are chosen so that it all but vanishes.`,
    '',
    `Ran on ${device}.`,
  ].join('\n')}\n`;
}
