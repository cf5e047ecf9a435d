import { renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Writes what a run has so far in one step: whoever reads the file finds the old content or the new one, whole. A failure is left to the last
 * write, which tells it.
 */
export function replaceFile(file: string, content: string | Uint8Array): void {
  const fresh = `${file}.new`;
  try {
    writeFileSync(fresh, content);
    renameSync(fresh, file);
  } catch {
    rmSync(fresh, { force: true });
  }
}
