import type { Report } from '../../src/engine/report/schema';
import { aStability, type StudySeed } from '../support/stability';
import { smallReport } from './fixtures';

/** A report with the stability of training in it. */
export const stabilityReport = (seed?: StudySeed): Report => ({
  ...smallReport(),
  studies: { stability: aStability(seed) },
});
