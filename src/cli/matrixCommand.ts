import type { MatrixHooks, MatrixOptions } from '../engine/analysis/options';
import { requireWritable } from './files';
import { requireReport } from './into';
import { interruptible } from './interrupt';
import { showProgress } from './progress';

/** Flags that commands share which multiply by a curvature matrix. */
export type MatrixFlags = Omit<MatrixOptions, 'model' | 'executionProvider' | 'layers' | 'matrix'> & {
  readonly ep: string;
  readonly layer?: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
};

/** Runs with a progress bar until it is through or interrupted; resolves to the exit code 0 and throws what the run throws. */
export async function withProgress(
  { out, into }: { readonly out?: string; readonly into?: string },
  run: (hooks: MatrixHooks) => Promise<() => Promise<void>>,
): Promise<number> {
  if (out !== undefined) await requireWritable(out);
  if (into !== undefined) await requireReport(into);
  const view = showProgress();
  const { signal, release } = interruptible();
  let print: () => Promise<void>;
  try {
    print = await run({ signal, onProgress: progress => view.update(progress) });
  } finally {
    release();
    view.stop();
  }
  await print();
  return 0;
}
