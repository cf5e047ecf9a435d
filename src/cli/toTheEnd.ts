import type { MatrixHooks } from '../engine/analysis/hooks';
import { interruptible } from './interrupt';
import { showProgress } from './progress';

/** What came of a run: all of it, or what it had when it was interrupted or failed, with the error. */
export interface Ending<R> {
  readonly report?: R;
  readonly error?: unknown;
}

/**
 * Runs with a progress bar until it is through, fails or is interrupted.
 * @param keep is given all results so far, now and then
 */
export async function toTheEnd<R>(
  run: (hooks: Pick<MatrixHooks<R>, 'onProgress' | 'onPartial' | 'signal'>) => Promise<R>,
  keep: (report: R) => void,
): Promise<Ending<R>> {
  const view = showProgress();
  const { signal, release } = interruptible();
  let partial: R | undefined;
  try {
    const report = await run({
      signal,
      onProgress: progress => view.update(progress),
      onPartial: report => {
        partial = report;
        keep(report);
      },
    });
    return { report };
  } catch (error) {
    return { report: partial, error };
  } finally {
    release();
    view.stop();
  }
}
