import { readFile } from 'node:fs/promises';
import { parseReport, stringifyReport } from '../engine';
import { CurvatureError } from '../engine/errors';
import { mergeStudies, type Studies } from '../engine/report/studies';
import { requireWritable, writeResult } from './files';

/** The report that a result is put into. */
export interface IntoFlag {
  readonly into?: string;
}

/** Refuses, before a long run, a report that can't be read or written. */
export async function requireReport(file: string): Promise<void> {
  await requireWritable(file);
  parseReport(await readFile(file, 'utf8'));
}

/**
 * Puts what was measured into a model's report, which the editor and saved pages then show.
 * @throws CurvatureError `option-invalid` when the report is of another model
 */
export async function addInto(
  file: string,
  model: { readonly file: string; readonly sha256: string },
  studies: Studies,
): Promise<void> {
  const report = parseReport(await readFile(file, 'utf8'));
  if (report.model.sha256 !== model.sha256) {
    throw new CurvatureError(
      'option-invalid',
      `'${file}' is the report of another model: its ${report.model.file} is not this ${model.file}.`,
      'Analyze this model, or leave --into away.',
    );
  }
  await writeResult(file, stringifyReport({ ...report, studies: mergeStudies(report.studies, studies) }));
}

/** Prints a result, and then puts it into the report that was named. */
export const thenInto =
  (
    print: () => Promise<void>,
    into: string | undefined,
    ...what: [{ file: string; sha256: string }, Studies]
  ) =>
  async (): Promise<void> => {
    await print();
    if (into !== undefined) await addInto(into, ...what);
  };
