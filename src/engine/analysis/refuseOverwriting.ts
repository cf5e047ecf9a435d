import { realpathSync } from 'node:fs';
import path from 'node:path';
import { CurvatureError } from '../errors';
import { DataFile } from '../onnx/dataFile';

/**
 * A model is never written over a file that it is read from: its own, or that of its external data.
 * @throws CurvatureError `option-invalid`
 */
export function refuseOverwriting(output: string, sources: readonly string[]): void {
  const taken = new Set(sources.map(place));
  const clash = [output, DataFile.besides(output)].find(file => taken.has(place(file)));
  if (clash === undefined) return;
  throw new CurvatureError(
    'option-invalid',
    `'${clash}' is what the model is read from; it would be overwritten.`,
    'Choose another name for the output.',
  );
}

/** The path without links, also of a file that does not exist yet. */
function place(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}
