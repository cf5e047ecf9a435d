import { existsSync, statSync } from 'node:fs';
import { CurvatureError, ProbeJournal } from '../engine';
import { exitCodeOf, printError } from './errors';

/**
 * Where a run keeps what it can go on from: beside its report, where that is a file.
 * @param resume whether to go on with what is there; throws `option-invalid` where no report is named
 */
export function journalBeside(out: string | undefined, resume: boolean): ProbeJournal | undefined {
  if (resume && out === undefined)
    throw new CurvatureError(
      'option-invalid',
      'A run is resumed from what it keeps beside its report, and no report is named.',
      'Give --out as in the run that was stopped.',
    );
  // A device or a pipe can't be written twice, and has nothing beside it.
  if (out === undefined || (existsSync(out) && !statSync(out).isFile())) return undefined;
  const journal = new ProbeJournal(`${out}.probes`, resume);
  if (resume) process.stderr.write(`note: ${journal.size} probes were kept and are not drawn again.\n`);
  return journal;
}

/** Ends a run with its exit code. One that failed says why, and keeps what it can go on from. */
export function conclude(error: unknown, journal: ProbeJournal | undefined): number {
  if (error === undefined) {
    journal?.finish();
    return 0;
  }
  printError(error);
  hintToResume(journal);
  return exitCodeOf(error);
}

/** Tells how a run that has stopped can go on. */
export function hintToResume(journal: ProbeJournal | undefined): void {
  if (journal && existsSync(journal.file)) process.stderr.write('hint: --resume goes on from here.\n');
}
