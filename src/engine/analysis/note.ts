import type { Diagnostic } from '../report/schema';

/** What a reader of a report should know, and need do nothing about. */
export const note = (code: string, message: string): Diagnostic => ({ severity: 'info', code, message });
