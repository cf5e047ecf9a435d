import type { MatrixHooks } from '../engine/analysis/hooks';
import type { MatrixOptions } from '../engine/analysis/matrixOptions';
import type { Diagnostic } from '../engine/report/schema';
import type { Studies } from '../engine/report/studies';
import { replaceFile } from '../engine/util/replaceFile';
import { exitCodeOf, printError } from './errors';
import { printResult, requireWritable, toJson } from './files';
import { addInto, type IntoFlag, keepInto, requireReport } from './into';
import { hintToResume, isKeepable, journalBeside } from './journal';
import { toTheEnd } from './toTheEnd';

/** Flags that commands share which multiply by a curvature matrix. */
export type MatrixFlags = Omit<MatrixOptions, 'model' | 'executionProvider' | 'layers' | 'matrix'> & {
  readonly ep: string;
  readonly layer?: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
  readonly resume?: boolean;
};

/** What a run may leave unfinished. */
interface Stoppable {
  readonly complete?: boolean;
}

/** One run of a command that can be stopped at any time and resumed. */
interface Measurement<R extends Stoppable> {
  /** The file beside which it keeps what it can go on from. */
  readonly beside: string | undefined;
  readonly resume: boolean | undefined;
  readonly measure: (hooks: MatrixHooks<R>) => Promise<R>;
  /** Keeps what there is so far where it can be read. */
  readonly keep: (report: R) => void;
  /** Prints and writes what came of it. */
  readonly tell: (report: R) => Promise<void>;
}

/**
 * Runs until it is through or interrupted; resolves to the exit code. What a run has found that stops early is told all the same, and how it can go
 * on.
 */
export async function runMeasurement<R extends Stoppable>({
  beside,
  resume = false,
  measure,
  keep,
  tell,
}: Measurement<R>): Promise<number> {
  const journal = journalBeside(beside, resume);
  const { report, error } = await toTheEnd<R>(hooks => measure({ ...hooks, journal }), keep);
  if (report) await tell(report);
  if (report && error === undefined && report.complete !== false) {
    journal?.finish();
    return 0;
  }
  if (error !== undefined) printError(error);
  hintToResume(journal, error);
  return error === undefined ? 0 : exitCodeOf(error);
}

/** A command that measures something of a model and tells it as text or JSON. */
export interface StudyCommand<R extends Stoppable> {
  /** Names what it keeps beside a report that its result is put into. */
  readonly name: string;
  readonly measure: (hooks: MatrixHooks<R>) => Promise<R>;
  readonly toText: (report: R) => string;
  readonly notes: (report: R) => readonly Diagnostic[];
  /** As a model's report holds it; absent where it holds none. */
  readonly into?: (report: R) => {
    readonly model: { file: string; sha256: string };
    readonly studies: Studies;
  };
}

/** Runs a study, whose result can be read in `out`, and in the report `into`, while it is measured. Resolves to the exit code. */
export async function runStudy<R extends Stoppable>(
  { out, into, json, resume }: Pick<MatrixFlags, 'out' | 'json' | 'resume'> & IntoFlag,
  { name, measure, toText, notes, into: partOf }: StudyCommand<R>,
): Promise<number> {
  if (out !== undefined) await requireWritable(out);
  if (into !== undefined) await requireReport(into);
  const kept = out !== undefined && isKeepable(out) ? out : undefined;
  return runMeasurement<R>({
    beside: out ?? (into === undefined ? undefined : `${into}.${name}`),
    resume,
    measure,
    keep(report) {
      if (kept !== undefined) replaceFile(kept, toJson(report));
      const part = partOf?.(report);
      if (into !== undefined && part) keepInto(into, part.model, part.studies);
    },
    async tell(report) {
      await printResult(report, toText, { out, json }, notes(report));
      const part = partOf?.(report);
      if (into !== undefined && part) await addInto(into, part.model, part.studies);
    },
  });
}
