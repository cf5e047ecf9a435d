import { access, constants, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CurvatureError } from '../engine/errors';
import { systemReason } from '../engine/util/systemReason';

/** Refuses, before a long run, a place where its result could not be written. Throws `option-invalid`. */
export async function requireWritable(file: string): Promise<void> {
  const whole = path.resolve(file);
  const folder = path.dirname(whole);
  try {
    if ((await stat(whole).catch(() => undefined))?.isDirectory()) throw new Error('it is a folder');
    if (!(await stat(folder).catch(() => undefined))?.isDirectory())
      throw new Error(`there is no folder '${path.dirname(file)}'`);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new CurvatureError(
      'option-invalid',
      `'${file}' can't be written: ${systemReason(error)}.`,
      'Choose a file in a folder that exists and may be written to.',
    );
  }
}

/** Writes a file and says so on stderr. Throws `runtime-failed` naming the file when the system refuses. */
export async function writeResult(file: string, content: string): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (error) {
    throw new CurvatureError('runtime-failed', `'${file}' could not be written: ${systemReason(error)}.`);
  }
  process.stderr.write(`Wrote ${file}\n`);
}

/** Throws an error of this code, naming the file, when it can't be read. */
export async function readText(
  file: string,
  code: 'problem-invalid' | 'report-invalid' = 'problem-invalid',
): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CurvatureError(code, `'${file}' can't be read: ${systemReason(error)}.`);
  }
}

/** What `parse` makes of a file's text. Its errors name the file. */
export async function readParsed<T>(
  file: string,
  parse: (text: string) => T,
  code: 'problem-invalid' | 'report-invalid',
): Promise<T> {
  const text = await readText(file, code);
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof CurvatureError)
      throw new CurvatureError(error.code, `'${file}': ${error.message}`, error.hint);
    throw error;
  }
}

/** A result as its file holds it. */
export const toJson = (result: unknown): string => `${JSON.stringify(result, null, 2)}\n`;

/** Prints a result as text or as JSON, writes the JSON where it is asked for, and the notes to stderr. */
export async function printResult<T extends object>(
  result: T,
  toText: (result: T) => string,
  { out, json }: { readonly out?: string; readonly json?: boolean },
  notes: readonly { readonly severity: string; readonly message: string }[],
): Promise<void> {
  const text = toJson(result);
  const isWhole = !('complete' in result && result.complete === false);
  process.stdout.write(json ? text : `${toText(result)}${isWhole ? '' : UNFINISHED}`);
  for (const { severity, message } of notes)
    process.stderr.write(`${severity === 'info' ? 'note' : severity}: ${message}\n`);
  if (out !== undefined) await writeResult(out, text);
}

const UNFINISHED = 'The run stopped before it was through; this is what it had.\n';
