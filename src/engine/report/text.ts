import { dataNoise } from './dataNoise';
import { latencyLines } from './latencyText';
import { metricsLines } from './metricsText';
import { formatBytes, formatEstimate, formatNumber, methodWord, samplesText } from './format';
import { hasOneScale } from './granularity';
import { jointSentence } from './jointText';
import { type Eigenvalue, type LayerReport, type Report } from './schema';
import { alignColumns } from './table';

/**
 * The report for a terminal: a table of layers in aligned columns, and below it what was found in all. Ends
 * in a newline.
 */
export function reportToText(report: Report): string {
  const sections = [metricsLines(report), latencyLines(report)].filter(lines => lines.length > 0);
  const lines = [
    ...layerTable(report),
    '',
    ...activationTable(report),
    ...summary(report),
    ...sections.flatMap(lines => ['', ...lines]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Whether sensitivities at a width are what running the model with the layer alone quantized gives, not Ω. */
const isMeasured = ({ settings }: Report, bits: number): boolean => bits <= (settings.measureUpTo ?? 0);

const matrices = { ggn: 'GGN trace', hessian: 'Hessian trace' } as const;

function layerTable(report: Report): string[] {
  const measured = (['ggn', 'hessian'] as const).filter(matrix =>
    report.layers.some(layer => layer.trace[matrix]),
  );
  const widths = report.settings.bits.map(String);
  const hasMethods = report.layers.some(layer => methodWord(layer.method) !== '');
  const hasWidths = report.layers.some(layer => layer.currentBits !== undefined);
  const header = [
    ...['layer', 'op', 'shape', 'parameters'],
    ...(hasWidths ? ['now'] : []),
    ...measured.map(matrix => matrices[matrix]),
    'average',
    ...widths.map(b => (isMeasured(report, Number(b)) ? `2D(${b})` : `Ω(${b})`)),
    'bits',
    ...(hasMethods ? [''] : []),
  ];
  const rows = report.layers.map(layer => [
    ...[layer.name, layer.opType, layer.shape.join('×'), String(layer.parameters)],
    ...(hasWidths ? [String(layer.currentBits ?? 32)] : []),
    ...measured.map(matrix => {
      const trace = layer.trace[matrix];
      return trace ? formatEstimate(trace) : '–';
    }),
    layer.averageTrace === null ? '–' : formatNumber(layer.averageTrace),
    ...widths.map(b => (b in layer.sensitivity ? formatNumber(layer.sensitivity[b]) : '–')),
    layer.bits === null ? '–' : String(layer.bits),
    ...(hasMethods ? [methodWord(layer.method)] : []),
  ]);
  const isWord = (column: number): boolean => column < 3 || (hasMethods && column === header.length - 1);
  return alignColumns([header, ...rows], isWord);
}

function activationTable({ activations, settings }: Report): string[] {
  if (!activations || activations.length === 0) return [];
  const widths = settings.bits.map(String);
  const method = settings.activations ?? 'min-max';
  const measured = (['trace', 'hessianTrace'] as const).filter(trace => activations.some(a => a[trace]));
  const header = [
    ...['activation', 'shape', 'from', 'to'],
    ...measured.map(trace => matrices[trace === 'trace' ? 'ggn' : 'hessian']),
    ...['average', ...widths.map(b => `Ω(${b})`)],
  ];
  const rows = activations.map(a => [
    ...[a.name, a.shape.join('×'), formatNumber(a.ranges[method].min), formatNumber(a.ranges[method].max)],
    ...measured.map(trace => (a[trace] ? formatEstimate(a[trace]) : '–')),
    a.averageTrace === null ? '–' : formatNumber(a.averageTrace),
    ...widths.map(b => (b in a.sensitivity ? formatNumber(a.sensitivity[b]) : '–')),
  ]);
  return [...alignColumns([header, ...rows], column => column < 2), ''];
}

function summary(report: Report): string[] {
  const { settings, layers, budget } = report;
  const joint = jointSentence(report);
  const matrix = settings.sensitivityMatrix === 'ggn' ? 'Gauss–Newton matrix' : 'Hessian';
  const loss = report.loss === null ? 'not known' : formatNumber(report.loss);
  const source =
    report.data.source === 'file' ? `of ${report.data.file ?? 'the data'}` : 'of synthetic inputs';
  return [
    `Loss (${settings.loss}): ${loss} on ${samplesText(report.samples)} ${source}. Bits are chosen by the traces of the ${matrix}.`,
    ...layers.filter(layer => layer.status !== 'analysed').map(excluded),
    ...(report.activations ?? []).flatMap(a => (a.reason ? [`${a.name}: no trace (${a.reason}).`] : [])),
    ...methodLine(report),
    ...dataNoiseLine(report),
    ...piecewiseLinearLine(report),
    ...measuredLine(report),
    ...oneScaleLine(report),
    ...(report.eigenvalues.length > 0 ? [eigenvalueLine(report)] : []),
    ...(budget ? [budgetLine(budget), ...(budget.message ? [budget.message] : [])] : []),
    ...(joint === undefined ? [] : [joint]),
    ...(report.device ? [deviceLine(report.device, report.memory?.predictedBytes)] : []),
    ...(report.stopped ? [`Stopped (${report.stopped.reason}): ${report.stopped.message}`] : []),
  ];
}

const excluded = ({ name, status, reason }: LayerReport): string =>
  `${name}: ${status === 'pending' ? 'not analysed before the run stopped' : 'not reached'}${reason ? ` (${reason})` : ''}.`;

function methodLine({ layers }: Report): string[] {
  const differences = layers.filter(layer => layer.method === 'differences').length;
  if (differences === 0) return [];
  return [
    `${differences} of ${layers.length} layers have no derivative: their GGN traces come from differences of forward runs.`,
  ];
}

/** The other noise, which more draws don't lessen. */
function dataNoiseLine(report: Report): string[] {
  const share = dataNoise(report);
  if (share === undefined) return [];
  return [
    `Errors are those of the draws. Other samples of the same kind would change a GGN trace by ${Number((100 * share).toPrecision(2))} % (one standard error, median of the layers).`,
  ];
}

function piecewiseLinearLine({ layers, settings }: Report): string[] {
  const equal = layers.filter(layer => layer.hessianEqualsGgn).length;
  if (equal === 0) return [];
  const which = equal === layers.length ? 'all layers' : `${equal} of ${layers.length} layers`;
  const why =
    settings.loss === 'kl'
      ? "at the model's own output they are one matrix"
      : 'from there to the loss the model is piecewise linear';
  return [`For ${which} the Hessian's trace equals the GGN's: ${why}.`];
}

function measuredLine(report: Report): string[] {
  if (!report.settings.bits.some(bits => isMeasured(report, bits))) return [];
  return ['2D, in place of Ω: twice the divergence of the outputs, measured with the layer alone quantized.'];
}

function oneScaleLine({ layers, settings }: Report): string[] {
  const names = layers.filter(layer => hasOneScale(layer, layer.bits)).map(({ name }) => name);
  if (names.length === 0) return [];
  const which = names.length === layers.length ? 'all layers' : names.join(', ');
  const why =
    settings.granularity === 'auto' ? '; scales per channel would take more bytes than they are worth' : '';
  return [`At the suggested bits all weights of a layer share a scale in ${which}${why}.`];
}

function eigenvalueLine({ eigenvalues, smallestEigenvalue: smallest }: Report): string {
  const shown = ({ value, converged }: Eigenvalue): string =>
    `${formatNumber(value)}${converged ? '' : ' (not converged)'}`;
  return (
    `Largest eigenvalues of the Hessian: ${eigenvalues.map(shown).join(', ')}` +
    `${smallest ? `; smallest: ${shown(smallest)}` : ''}.`
  );
}

function deviceLine({ name, notTaken }: NonNullable<Report['device']>, bytes: number | undefined): string {
  const others = notTaken.map(({ provider, reason }) => `${provider} (${reason})`).join('; ');
  const memory = bytes === undefined ? '' : `, in at most ${formatBytes(bytes)} of memory as predicted`;
  return `Ran on ${name}${memory}.${others ? ` Not taken: ${others}.` : ''}`;
}

function budgetLine({ requested, bytes, chosen }: NonNullable<Report['budget']>): string {
  return (
    `Suggested bits: ${formatBytes(chosen.bytes)} (${formatNumber(chosen.effectiveBits)} bits per weight), ` +
    `ΣΩ ${formatNumber(chosen.sensitivity)}, for a budget of ${requested} (${formatBytes(bytes)}).`
  );
}
