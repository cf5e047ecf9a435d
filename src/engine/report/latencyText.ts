import { formatNumber } from './format';
import type { LayerReport, Report } from './schema';
import { alignColumns } from './table';

/** A machine at rest gives less for most layers. */
const NOISY = 0.3;

type Timed = LayerReport & Required<Pick<LayerReport, 'latency' | 'costs'>>;

/** What the layers take at each width, and how it was measured; nothing where it was not. */
export function latencyLines({ layers, latency, settings }: Report): string[] {
  const timed = layers.filter((layer): layer is Timed => layer.latency !== undefined);
  if (!latency || timed.length === 0) return [];
  const widths = settings.bits.map(String);
  const rows = timed.map(({ name, costs, latency: { float32, spread, stored } }) => [
    ...[name, formatTime(float32.ms), ...widths.map(b => formatTime(costs.latency[b]))],
    percent(largestSpread(float32, costs.latency, spread)),
    [...new Set(widths.map(b => stored[b]))].join(', '),
  ]);
  const header = ['layer', 'ms(32)', ...widths.map(b => `ms(${b})`), 'spread', 'stored in'];
  const table = alignColumns([header, ...rows], column => column === 0 || column === header.length - 1);
  return [
    'Latency of each layer alone:',
    ...table,
    ...measuredOn(latency, timed),
    ...sumLines(timed, widths, latency),
  ];
}

const formatTime = (ms: number): string => formatNumber(Number(ms.toPrecision(3)));
const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

/** Of all that was timed of a layer, as a share of the time. */
function largestSpread(
  float32: { ms: number; spread: number },
  ms: Readonly<Record<string, number>>,
  spread: Readonly<Record<string, number>>,
): number {
  const shares = Object.entries(spread).map(([b, s]) => (ms[b] > 0 ? s / ms[b] : 0));
  return Math.max(float32.ms > 0 ? float32.spread / float32.ms : 0, ...shares);
}

function measuredOn(
  { device, threads, batch, format }: NonNullable<Report['latency']>,
  timed: Timed[],
): string[] {
  const spreads = timed
    .map(l => largestSpread(l.latency.float32, l.costs.latency, l.latency.spread))
    .sort((a, b) => a - b);
  const half = spreads[spreads.length >> 1];
  const pool = threads === 0 ? "ONNX Runtime's own number of threads" : `${threads} threads`;
  return [
    `Measured in ONNX Runtime on ${device} with ${pool}, ${batch === 1 ? 'one sample' : `${batch} samples`} to a run, stored as ` +
      `quantize --format ${format} does. Medians; rounds spread by ${percent(half)} for half of the layers, ` +
      `by ${percent(spreads.at(-1)!)} at most.`,
    ...(half > NOISY
      ? ['That is much: something else seems to have used the processor. Measure again when it is idle.']
      : []),
  ];
}

function sumLines(
  timed: Timed[],
  widths: readonly string[],
  { model }: NonNullable<Report['latency']>,
): string[] {
  const sum = (of: (layer: Timed) => number): string =>
    formatTime(timed.reduce((total, layer) => total + of(layer), 0));
  const sums = widths.map(b => `${sum(l => l.costs.latency[b])} ms at ${b} bits`);
  const whole = model
    ? ` A call of the whole model takes ${formatTime(model.ms)} ms in float32, with all that lies between its layers.`
    : '';
  return [`Together: ${sum(l => l.latency.float32.ms)} ms in float32, ${sums.join(', ')}.${whole}`];
}
