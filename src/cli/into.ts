import { readFileSync } from 'node:fs';
import { parseReport, stringifyReport } from '../engine';
import { CurvatureError } from '../engine/errors';
import { mergeStudies, type Studies } from '../engine/report/studies';
import { replaceFile } from '../engine/util/replaceFile';
import { readParsed, requireWritable, writeResult } from './files';

/** The report that a result is put into. */
export interface IntoFlag {
  readonly into?: string;
}

/** A model as its reports name it. */
interface Named {
  readonly file: string;
  readonly sha256: string;
}

/** Refuses, before a long run, a report that can't be read or written. */
export async function requireReport(file: string): Promise<void> {
  await requireWritable(file);
  await readParsed(file, parseReport, 'report-invalid');
}

/**
 * Puts what was measured into a model's report, which the editor and saved pages then show. What stopped early takes no whole one's place.
 * @throws CurvatureError `option-invalid` when the report is of another model
 */
export async function addInto(file: string, model: Named, studies: Studies): Promise<void> {
  const { before, after } = withStudies(file, model, studies);
  if (before === after) process.stderr.write(`note: '${file}' keeps the whole result that it has.\n`);
  else await writeResult(file, after);
}

/** The same while the run goes on; a failure is left to the last write, which tells it. */
export function keepInto(file: string, model: Named, studies: Studies): void {
  try {
    const { before, after } = withStudies(file, model, studies);
    if (before !== after) replaceFile(file, after);
  } catch {
    return;
  }
}

function withStudies(file: string, model: Named, studies: Studies): { before: string; after: string } {
  const report = parseReport(readFileSync(file, 'utf8'));
  if (report.model.sha256 !== model.sha256) {
    throw new CurvatureError(
      'option-invalid',
      `'${file}' is the report of another model: its ${report.model.file} is not this ${model.file}.`,
      'Analyze this model, or leave --into away.',
    );
  }
  const after = { ...report, studies: mergeStudies(report.studies, studies) };
  return { before: stringifyReport(report), after: stringifyReport(after) };
}
