import type { ExportSummary } from '../engine';
import { formatBytes } from '../engine/report/format';
import { alignColumns } from '../engine/report/table';

/** A row to each layer, what the tables can't say below, and the size of the file. */
export function exportToText({ layers, size, operatorSet, notes }: ExportSummary): string {
  const header = ['layer', 'op', 'from', 'to', 'stored', 'bytes'];
  const rows = layers.map(l => [
    ...[l.name, l.opType, String(l.from), String(l.to)],
    l.stored === null ? '–' : l.format === 'matmulnbits' ? `${l.stored} MatMulNBits` : l.stored,
    String(l.bytes),
  ]);
  const isWord = (column: number): boolean => column < 2 || column === 4;
  const { before, predicted, written } = size;
  const off = `${((100 * (written - predicted)) / predicted).toFixed(2)} %`;
  return [
    ...alignColumns([header, ...rows], isWord),
    '',
    ...layers.flatMap(({ name, note }) => (note === undefined ? [] : [`${name}: ${note}.`])),
    ...notes,
    `${formatBytes(before)} to ${formatBytes(written)} (${written} bytes; predicted ${predicted}, off by ${off}); operator set ${
      operatorSet.before === operatorSet.after
        ? operatorSet.after
        : `${operatorSet.before} to ${operatorSet.after}`
    }.`,
    '',
  ].join('\n');
}
