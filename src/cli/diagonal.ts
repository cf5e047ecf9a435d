import { exportDiagonal, type ExportedDiagonal } from '../engine';
import type { ExportDiagonalOptions } from '../engine/analysis/matrixOptions';
import { formatNumber, samplesText } from '../engine/report/format';
import { alignColumns } from '../engine/report/table';
import { printResult, requireWritable } from './files';
import { type MatrixFlags, runMeasurement } from './matrixCommand';

export type DiagonalFlags = Omit<MatrixFlags, 'out' | 'json'> &
  Pick<ExportDiagonalOptions, 'matrix' | 'rtol' | 'maxProbes'> & {
    readonly out: string;
    readonly average?: boolean;
    readonly for?: number;
  };

/** `curvature diagonal`: resolves to the exit code. */
export async function runDiagonal(model: string, flags: DiagonalFlags): Promise<number> {
  const { ep, for: seconds, layer, out, average = false, resume, ...settings } = flags;
  const shared = { ...settings, model, seconds, executionProvider: ep, layers: layer };
  await requireWritable(out);
  return runMeasurement<ExportedDiagonal>({
    beside: out,
    resume,
    measure: hooks => exportDiagonal({ ...shared, average, output: out }, hooks),
    // The engine writes the file itself, at each time.
    keep: () => undefined,
    async tell(found) {
      await printResult(found, diagonalToText, {}, found.diagnostics);
      process.stderr.write(`Wrote ${out}\n`);
    },
  });
}

/** A row for each parameter. Ends in a newline. */
function diagonalToText({ complete, parts, probes, converged, samples }: ExportedDiagonal): string {
  const rows = parts.map(({ name, shape, mean, least, most, relativeError }) => [
    ...[name, shape.join('×')],
    ...[mean, least, most].map(x => formatNumber(x)),
    Number.isFinite(relativeError) ? `${Number((100 * relativeError).toPrecision(2))} %` : 'noise',
  ]);
  const lines = [
    ...alignColumns(
      [['parameter', 'shape', 'mean', 'least', 'most', 'error'], ...rows],
      column => column < 2,
    ),
    '',
    `From ${probes} probes on ${samplesText(samples)}${converged || !complete ? '' : '; the error asked for was not reached: raise --max-probes, or take --average'}.`,
  ];
  return `${lines.join('\n')}\n`;
}
