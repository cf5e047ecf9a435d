import { CurvatureError } from '../errors';
import { type AllocationProblem, effectiveBits, largest, smallest, totalBytes } from './problem';

export type Budget =
  | { readonly kind: 'bytes'; readonly bytes: number }
  | { readonly kind: 'effectiveBits'; readonly bits: number }
  | { readonly kind: 'fraction'; readonly fraction: number };

const unitBytes: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/**
 * Reads `8MB`, `800KB`, `1.5GiB`, `12345B` (KB is 1000 bytes, KiB 1024), `4.5bits` (stored bits per weight)
 * or a fraction such as `0.5`. Throws `option-invalid` for anything else.
 */
export function parseBudget(text: string): Budget {
  const match = /^(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)$/i.exec(text.trim());
  if (!match) throw invalid(text, 'is not a size');
  const amount = Number(match[1]);
  const unit = match[2].toLowerCase();
  if (unit === '') {
    if (amount > 1) throw invalid(text, 'has no unit and is above 1, the largest fraction');
    return { kind: 'fraction', fraction: amount };
  }
  if (amount === 0) throw invalid(text, 'is zero');
  if (unit === 'bit' || unit === 'bits') return { kind: 'effectiveBits', bits: amount };
  if (!Object.hasOwn(unitBytes, unit)) throw invalid(text, `has the unknown unit '${match[2]}'`);
  return { kind: 'bytes', bytes: amount * unitBytes[unit] };
}

/**
 * The limit in bytes of quantized weights, scales included.
 *
 * Effective bits count the scales: bytes · 8 / weights. A fraction lies between all layers at 4 bits and all
 * at 8 bits where all layers have both, as in HAWQ-V3; else between every layer's smallest and largest width.
 */
export function budgetBytes(budget: Budget, problem: AllocationProblem): number {
  switch (budget.kind) {
    case 'bytes':
      return budget.bytes;
    case 'effectiveBits':
      return budget.bits / effectiveBits(problem, 1);
    case 'fraction': {
      const low = bytesAt(problem, 4);
      const high = bytesAt(problem, 8);
      const [from, to] =
        low !== undefined && high !== undefined
          ? [low, high]
          : [totalBytes(problem, smallest), totalBytes(problem, largest)];
      return from + budget.fraction * (to - from);
    }
  }
}

/** Bytes with all layers at one width; undefined where a layer doesn't have it. */
function bytesAt(problem: AllocationProblem, bits: number): number | undefined {
  const choices = problem.map(layer => layer.choices.find(choice => choice.bits === bits));
  return choices.reduce<number | undefined>(
    (sum, choice) => (sum === undefined || !choice ? undefined : sum + choice.bytes),
    0,
  );
}

const invalid = (text: string, problem: string): CurvatureError =>
  new CurvatureError(
    'option-invalid',
    `The budget '${text}' ${problem}.`,
    'Give a size such as 8MB or 800KB, bits per weight such as 4.5bits, or a fraction from 0 to 1 such as 0.5.',
  );
