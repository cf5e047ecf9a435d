import type { LinearOperator } from '../curvature/linearOperator';

/** Where a search keeps what it finds, so that a run that was stopped can go on from there. The names are the search's own. */
export interface Keeper {
  /** A finished part that an earlier run kept under this name. */
  found(name: string): unknown;
  /** Keeps a finished part as JSON; the products that led to it are let go. */
  keep(name: string, part: unknown): void;
  /** The operator with its products kept, in the order in which they are asked for; those of an earlier run are not made again. */
  through(name: string, operator: LinearOperator): LinearOperator;
}

/** What an earlier run kept under this name, or else what is found now, which is kept then. */
export async function once<T>(keeper: Keeper | undefined, name: string, find: () => Promise<T>): Promise<T> {
  const before = keeper?.found(name) as T | undefined;
  if (before !== undefined) return before;
  const part = await find();
  keeper?.keep(name, part);
  return part;
}
