import { type Coverage, coverage, CurvatureError } from '../engine';
import { failedCoverage } from '../engine/report/coverage';
import { coverageToText, totalsText } from '../engine/report/coverageText';

export interface CoverageFlags {
  readonly json?: boolean;
}

/** Exit code where a file could not be read or prepared. */
const BAD_INPUT = 2;

/** `curvature coverage`: resolves to the exit code. A file that fails has its error in its row, and the others are shown. */
export async function runCoverage(models: readonly string[], { json }: CoverageFlags): Promise<number> {
  const rows: Coverage[] = [];
  for (const model of models) {
    const row = await coverage(model).catch((error: unknown) => failedCoverage(model, textOf(error)));
    rows.push(row);
    if (!json) process.stdout.write(`${coverageToText(row)}\n`);
  }
  process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : totalsText(rows));
  return rows.some(row => row.error !== undefined) ? BAD_INPUT : 0;
}

const textOf = (error: unknown): string => {
  if (error instanceof CurvatureError) return error.hint ? `${error.message} ${error.hint}` : error.message;
  return error instanceof Error ? error.message : String(error);
};
