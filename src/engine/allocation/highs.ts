import type { Highs } from 'highs';

let loaded: Promise<Highs> | undefined;

/** HiGHS, an integer programming solver, as WebAssembly. Loaded and compiled when it is first asked for. */
export const loadHighs = (): Promise<Highs> =>
  (loaded ??= import('highs').then(({ default: load }) => load()));
