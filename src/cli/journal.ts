import { existsSync, statSync } from 'node:fs';
import { CurvatureError, ProbeJournal } from '../engine';

/** A device or a pipe can't be written twice, and has nothing beside it. */
export const isKeepable = (file: string): boolean => !existsSync(file) || statSync(file).isFile();

/**
 * Where a run keeps what it can go on from: beside what it writes, where that is a file.
 * @param resume whether to go on with what is there; throws `option-invalid` where no file is named
 */
export function journalBeside(file: string | undefined, resume: boolean): ProbeJournal | undefined {
  if (resume && file === undefined)
    throw new CurvatureError(
      'option-invalid',
      'A run is resumed from what it keeps beside its report, and no report is named.',
      'Give --out as in the run that was stopped.',
    );
  if (file === undefined || !isKeepable(file)) return undefined;
  const journal = new ProbeJournal(`${file}.probes`, resume);
  if (resume) process.stderr.write(`note: ${journal.size} probes were kept and are not drawn again.\n`);
  return journal;
}

/** Tells how a run that has stopped can go on; settings that were refused can't. */
export function hintToResume(journal: ProbeJournal | undefined, error?: unknown): void {
  if (error instanceof CurvatureError && error.isBadInput) return;
  if (journal && existsSync(journal.file)) process.stderr.write('hint: --resume goes on from here.\n');
}
