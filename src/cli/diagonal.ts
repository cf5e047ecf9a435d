import { exportDiagonal, type ExportedDiagonal } from '../engine';
import type { ExportDiagonalOptions } from '../engine/analysis/options';
import { formatNumber } from '../engine/report/format';
import { alignColumns } from '../engine/report/table';
import { type MatrixFlags, withProgress } from './matrixCommand';

export type DiagonalFlags = Omit<MatrixFlags, 'out' | 'json'> &
  Pick<ExportDiagonalOptions, 'matrix' | 'rtol' | 'maxProbes'> & {
    readonly out: string;
    readonly average?: boolean;
  };

/** `curvature diagonal`: resolves to the exit code. */
export async function runDiagonal(model: string, flags: DiagonalFlags): Promise<number> {
  const { ep, layer, out, average = false, ...settings } = flags;
  const options = { ...settings, model, executionProvider: ep, layers: layer, average, output: out };
  return withProgress({ out }, async hooks => {
    const found = await exportDiagonal(options, hooks);
    return () => {
      process.stdout.write(diagonalToText(found));
      for (const { severity, message } of found.diagnostics)
        process.stderr.write(`${severity === 'info' ? 'note' : severity}: ${message}\n`);
      process.stderr.write(`Wrote ${out}\n`);
      return Promise.resolve();
    };
  });
}

/** A row for each parameter. Ends in a newline. */
function diagonalToText({ parts, probes, converged, samples }: ExportedDiagonal): string {
  const rows = parts.map(({ name, shape, mean, least, most, relativeError }) => [
    ...[name, shape.join('×')],
    ...[mean, least, most].map(formatNumber),
    Number.isFinite(relativeError) ? `${Number((100 * relativeError).toPrecision(2))} %` : 'noise',
  ]);
  const lines = [
    ...alignColumns(
      [['parameter', 'shape', 'mean', 'least', 'most', 'error'], ...rows],
      column => column < 2,
    ),
    '',
    `From ${probes} probes on ${samples} samples${converged ? '' : '; the error asked for was not reached: raise --max-probes, or take --average'}.`,
  ];
  return `${lines.join('\n')}\n`;
}
