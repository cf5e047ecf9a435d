import type { Matrix } from '../curvature/matrices';
import type { Estimate, Method } from './schema';

/** Four significant digits at most unless told otherwise, in powers of ten (and one digit less) where a plain number would be long. */
export function formatNumber(value: number, digits = 4): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude < 1e-3 || magnitude >= 1e5) return value.toExponential(digits - 2).replace('e+', 'e');
  return String(Number(value.toPrecision(digits)));
}

/** Significant digits that tell both ends of an interval apart, its width to two digits; four at least. */
export const intervalDigits = ([low, high]: readonly [number, number]): number =>
  high > low
    ? Math.min(
        9,
        Math.max(4, 2 + Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low)))),
      )
    : 4;

/** `12.34 ± 0.56`, or the bare number where it is exact. */
export function formatEstimate({
  estimate,
  stderr,
  exact,
}: Pick<Estimate, 'estimate' | 'stderr' | 'exact'>): string {
  return exact ? formatNumber(estimate) : `${formatNumber(estimate)} ± ${Number(stderr.toPrecision(2))}`;
}

/** `1.23 MB`; units of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let amount = bytes;
  let unit = 0;
  for (; amount >= 999.5 && unit < units.length - 1; unit++) amount /= 1000;
  return `${Number(amount.toPrecision(3))} ${units[unit]}`;
}

/** An operator's name, with its domain where that isn't the standard one. */
export const qualified = ({ domain, opType }: { domain: string; opType: string }): string =>
  domain === '' ? opType : `${domain}::${opType}`;

/** The word for how a layer was measured; none for what is usual. */
export const methodWord = (method: Method | undefined): string =>
  method === undefined || method === 'exact' ? '' : methodWords[method];

const methodWords = { ggn: 'first derivatives', differences: 'differences' } as const;

/** The matrix's name within a sentence. */
export const matrixNames: Readonly<Record<Matrix, string>> = {
  hessian: 'Hessian',
  ggn: 'Gauss–Newton matrix',
  fisher: 'empirical Fisher matrix',
};

/** A number measured on data with the noise of these, where there are samples enough to tell. */
export const formatMeasured = ({ value, stderr }: { value: number; stderr?: number }): string =>
  formatEstimate({ estimate: value, stderr: stderr ?? 0, exact: stderr === undefined });

/** `1 sample`, `64 samples` */
export const samplesText = (count: number): string => (count === 1 ? '1 sample' : `${count} samples`);
