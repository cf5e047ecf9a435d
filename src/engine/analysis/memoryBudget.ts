import os from 'node:os';
import { CurvatureError } from '../errors';

/** By default an analysis leaves half of the free memory alone, and never takes more than this. */
const DEFAULT_BYTES = 8e9;

const units: Readonly<Record<string, number>> = { mb: 1e6, gb: 1e9, mib: 2 ** 20, gib: 2 ** 30 };

/** Bytes that the process may take: as the option says, else half of what is free, 8 GB at most. */
export const memoryBudget = (text: string | undefined): number =>
  text === undefined ? Math.min(DEFAULT_BYTES, freeBytes() / 2) : parseMemory(text);

/**
 * Reads `800MB`, `4GB`, `1.5GiB`.
 * @throws CurvatureError `option-invalid` for anything else
 */
export function parseMemory(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([mg]i?b)$/i.exec(text.trim());
  const bytes = match ? Number(match[1]) * units[match[2].toLowerCase()] : 0;
  if (bytes > 0) return bytes;
  throw new CurvatureError(
    'option-invalid',
    `"${text}" is no amount of memory.`,
    'Give a size such as 800MB or 4GB.',
  );
}

/** What the system has left, or what a container still grants. */
function freeBytes(): number {
  const granted = process.constrainedMemory() - process.memoryUsage.rss();
  return granted > 0 ? Math.min(os.freemem(), granted) : os.freemem();
}
