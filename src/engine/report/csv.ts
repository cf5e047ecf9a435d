import { activationName } from './activationName';
import { scalesPer } from './granularity';
import { type Estimate, type Report } from './schema';

/**
 * The layer table as CSV (RFC 4180, with a header line): one line per layer, and behind them per activation, one group of
 * columns per bit width. What a line doesn't have is left empty.
 */
export function layersToCsv(report: Report): string {
  const widths = report.settings.bits.map(String);
  const header = [
    ...['name', 'op_type', 'shape', 'parameters', 'status', 'reason'],
    ...['ggn_trace', 'ggn_trace_stderr', 'hessian_trace', 'hessian_trace_stderr', 'average_trace'],
    ...widths.flatMap(b => [
      `quantization_error_${b}`,
      `sensitivity_${b}`,
      `sensitivity_stderr_${b}`,
      `bytes_${b}`,
    ]),
    ...['bits', 'method', 'scales'],
  ];
  const lines = report.layers.map(layer => [
    ...[layer.name, layer.opType, layer.shape.join('x'), layer.parameters, layer.status, layer.reason],
    ...[...estimateCells(layer.trace.ggn), ...estimateCells(layer.trace.hessian), layer.averageTrace],
    ...widths.flatMap(b => [
      layer.quantizationError[b],
      layer.sensitivity[b],
      layer.sensitivityStderr[b],
      layer.sizeBytes[b],
    ]),
    ...[layer.bits, layer.method, scalesPer(layer)],
  ]);
  const activations = (report.activations ?? []).map(a => [
    ...[activationName(a.name), 'Activation', a.shape.join('x'), undefined],
    ...[a.averageTrace === null ? 'not-reached' : 'analysed', a.reason],
    ...[...estimateCells(a.trace), ...estimateCells(a.hessianTrace), a.averageTrace],
    ...widths.flatMap(b => [a.quantizationError[b], a.sensitivity[b], a.sensitivityStderr[b], undefined]),
    ...[undefined, undefined, undefined],
  ]);
  return [header, ...lines, ...activations].map(cells => `${cells.map(cell).join(',')}\r\n`).join('');
}

const estimateCells = (estimate: Estimate | undefined): (number | undefined)[] => [
  estimate?.estimate,
  estimate?.stderr,
];

function cell(value: string | number | null | undefined): string {
  const text = String(value ?? '');
  // A spreadsheet would run a name that begins like a formula; numbers may begin with a minus.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
