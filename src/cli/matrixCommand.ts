import type { MatrixHooks, MatrixOptions } from '../engine/analysis/options';
import { requireWritable } from './files';
import { requireReport } from './into';
import { interruptible } from './interrupt';
import { hintToResume, journalBeside } from './journal';
import { showProgress } from './progress';

/** Flags that commands share which multiply by a curvature matrix. */
export type MatrixFlags = Omit<MatrixOptions, 'model' | 'executionProvider' | 'layers' | 'matrix'> & {
  readonly ep: string;
  readonly layer?: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
};

/**
 * Runs with a progress bar until it is through or interrupted; resolves to the exit code 0 and throws what the run throws.
 * @param resume for a run that keeps what it finds: whether to go on with what an earlier one kept
 */
export async function withProgress(
  { out, into, resume }: { readonly out?: string; readonly into?: string; readonly resume?: boolean },
  run: (hooks: MatrixHooks) => Promise<() => Promise<void>>,
): Promise<number> {
  if (out !== undefined) await requireWritable(out);
  if (into !== undefined) await requireReport(into);
  const journal = resume === undefined ? undefined : journalBeside(out, resume);
  const view = showProgress();
  const { signal, release } = interruptible();
  let print: () => Promise<void>;
  try {
    print = await run({ signal, onProgress: progress => view.update(progress), journal });
  } catch (error) {
    hintToResume(journal);
    throw error;
  } finally {
    release();
    view.stop();
  }
  await print();
  journal?.finish();
  return 0;
}
