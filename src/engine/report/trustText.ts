import { formatNumber, samplesText } from './format';
import { alignColumns } from './table';
import type { TrustReport } from './trust';

/** How far the second-order model holds, for a terminal. Ends in a newline. */
export function trustToText({ model, settings, samples, data, loss, layers, device }: TrustReport): string {
  const source = data.source === 'file' ? (data.file ?? 'the data') : 'synthetic inputs';
  const percent = `${Number((100 * settings.tolerance).toPrecision(3))} %`;
  const shares = layers[0].steps[0].points.map(p => p.share);
  const header = [
    'layer',
    'bits',
    ...shares.flatMap(share => [`ΔL at ${share}`, 'predicted']),
    '‖g‖ at 1',
    'predicted',
    'holds to',
  ];
  const rows = layers.flatMap(({ name, steps }) =>
    steps.map(({ bits, points, radius }) => {
      const { gradientNorm } = points[points.length - 1];
      return [
        name,
        String(bits),
        ...points.flatMap(p => [formatNumber(p.loss.measured), formatNumber(p.loss.predicted)]),
        formatNumber(gradientNorm.measured),
        formatNumber(gradientNorm.predicted),
        radius === 1 ? '1' : `${radius} *`,
      ];
    }),
  );
  const doubtful = layers.flatMap(({ name, steps }) =>
    steps.filter(s => s.radius < 1).map(s => `${name} at ${s.bits}`),
  );
  return `${[
    `Loss along the quantization errors of single layers of ${model.file}: ${settings.loss} ${formatNumber(loss)} on ${samplesText(samples)} of ${source}.`,
    '',
    ...alignColumns([header, ...rows], column => column === 0),
    '',
    doubtful.length === 0
      ? `The second-order model is within ${percent} of the measured change everywhere.`
      : `* The second-order model is off by more than ${percent} of the measured change: ${doubtful.join(', ')}. Measure these widths instead of trusting their sensitivity.`,
    `Ran on ${device}.`,
  ].join('\n')}\n`;
}
