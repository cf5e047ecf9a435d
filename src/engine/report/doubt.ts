import { formatNumber } from './format';
import type { Report } from './schema';
import type { TrustPoint, TrustStep } from './trust';

/**
 * Why a layer's sensitivity at a width should not be believed: it comes from the second-order model, not from a measurement, and the model is off before
 * the step to the quantized weights ends. Undefined where the model holds, and where nobody has looked.
 */
export function doubtOf({ settings, studies }: Report, layer: string, bits: number): TrustStep | undefined {
  if (bits <= (settings.measureUpTo ?? 0)) return undefined;
  const steps = studies?.trust?.layers.find(({ name }) => name === layer)?.steps ?? [];
  return steps.find(step => step.bits === bits && step.radius < 1);
}

/** Where the model is off first, as a part of a sentence; undefined where it is nowhere. */
export function doubtText(
  { points }: TrustStep,
  write: (value: number) => string = formatNumber,
): string | undefined {
  const off = points.find(({ isTrusted }) => !isTrusted);
  if (!off) return undefined;
  const { measured, predicted } = off.loss;
  return `the second-order model is off at ${stepWords(off.share)} to these weights (the loss changes by ${write(measured)} there, ${write(predicted)} is predicted)`;
}

const named: Readonly<Record<string, string>> = {
  '0.25': 'a quarter of the step',
  '0.5': 'half of the step',
  '1': 'the end of the step',
};

/** The next width above for which the model holds; undefined where that was found of none. */
export const trustedAbove = ({ studies }: Report, layer: string, bits: number): number | undefined =>
  studies?.trust?.layers
    .find(({ name }) => name === layer)
    ?.steps.filter(step => step.bits > bits && step.radius === 1)
    .map(step => step.bits)
    .sort((a, b) => a - b)[0];

export const stepWords = (share: TrustPoint['share']): string =>
  named[String(share)] ?? `${Number((100 * share).toPrecision(3))} % of the step`;
