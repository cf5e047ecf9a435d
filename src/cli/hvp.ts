import { exportHvp, type HvpOptions } from '../engine';
import { requireWritable } from './files';

export type HvpFlags = Omit<HvpOptions, 'model'>;

/** `curvature hvp`: resolves to the exit code. */
export async function runHvp(model: string, flags: HvpFlags): Promise<number> {
  await requireWritable(flags.output);
  await exportHvp({ ...flags, model });
  process.stderr.write(`Wrote ${flags.output}\n`);
  return 0;
}
