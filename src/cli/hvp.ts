import { exportHvp, type HvpOptions } from '../engine';
import { requireWritable } from './files';

export type HvpFlags = Omit<HvpOptions, 'model'>;

/** `curvature hvp`: resolves to the exit code. */
export async function runHvp(model: string, flags: HvpFlags): Promise<number> {
  await requireWritable(flags.output);
  const { builtIn, notes } = await exportHvp({ ...flags, model });
  for (const { name, data } of builtIn)
    process.stderr.write(`note: "${name}" is no input of the graph: ${data.join(', ')} is built in.\n`);
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  process.stderr.write(`Wrote ${flags.output}\n`);
  return 0;
}
