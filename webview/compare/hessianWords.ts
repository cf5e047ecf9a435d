import type { HessianComparison } from '../../src/engine/report/comparison';
import { formatPercent, plural, typesetNumber } from '../shared/format';

/** One measure of how far two Hessians differ, and what it means here. */
export interface Finding {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

/** In degrees; below it is the rounding of float32. */
const LEAST_ANGLE = 0.001;

const degreesOf = (radians: number): number => (180 / Math.PI) * radians;

/** `12.4°, 31°`, or that none of them is worth a figure. */
function angleWords(angles: readonly number[]): string {
  const degrees = angles.map(degreesOf);
  if (degrees.every(angle => angle < LEAST_ANGLE)) return `all below ${LEAST_ANGLE}°`;
  return degrees
    .map(angle => (angle < LEAST_ANGLE ? `<${LEAST_ANGLE}°` : `${Number(angle.toPrecision(3))}°`))
    .join(', ');
}

/** The measures of a comparison, each in words. */
export function findings(comparison: HessianComparison): Finding[] {
  return [spectralNorm(comparison), spaces(comparison), ...cosines(comparison)];
}

function spectralNorm({ difference, a, b }: HessianComparison): Finding {
  const norm = Math.abs(difference.value);
  const largest = Math.max(...[a, b].map(({ eigenvalues }) => Math.abs(eigenvalues[0]?.value ?? 0)));
  const share = largest > 0 ? norm / largest : 0;
  const size =
    share < 0.1
      ? 'curvature is nearly the same in every direction'
      : share < 0.5
        ? 'some directions differ clearly in curvature'
        : 'some directions are steep in one and not in the other';
  const bound = difference.converged ? '' : ' Not converged: a lower bound.';
  return {
    name: 'Spectral norm of the difference',
    value: typesetNumber(norm, 4),
    meaning: `${formatPercent(share)} of the larger λmax: ${size}. No direction’s curvature differs by more.${bound}`,
  };
}

function spaces({ angles, overlap, size }: HessianComparison): Finding {
  const count = angles.length;
  const chance = count / size;
  const same =
    overlap > 0.9
      ? 'the steepest directions are the same'
      : overlap > 0.5
        ? 'the steepest directions are partly the same'
        : overlap > 3 * chance
          ? 'the steepest directions are mostly others'
          : 'no nearer than directions drawn at random';
  return {
    name: `Overlap of the ${plural(count, 'top eigenvector')}’ spaces`,
    value: overlap.toPrecision(3),
    meaning: `1 for the same space, ${typesetNumber(chance, 2)} for random ones: ${same}. Principal angles ${angleWords(angles)}.`,
  };
}

function cosines({ gradientCosine, productCosine, settings }: HessianComparison): Finding[] {
  const value = (cosine: number): string => cosine.toFixed(3).replace('-', '−');
  // At its own output the loss is at its minimum: what is left of the gradient is rounding.
  const nothing =
    settings.loss === 'kl'
      ? 'The gradient of this loss is 0 at the model’s own output: this says nothing.'
      : '';
  return [
    {
      name: 'Cosine of the gradients',
      value: value(gradientCosine),
      meaning: nothing || `Descending on one ${alignment(gradientCosine)} the other.`,
    },
    {
      name: 'Cosine of the Hessian–gradient products',
      value: value(productCosine),
      meaning:
        nothing ||
        `A step along its own gradient changes the one’s gradient ${direction(productCosine)} the other’s; training that aligns Hessians (Hemati et al., 2023) brings this near 1.`,
    },
  ];
}

const alignment = (cosine: number): string =>
  cosine > 0.7
    ? 'also lowers'
    : cosine > 0.1
      ? 'lowers somewhat'
      : cosine > -0.1
        ? 'hardly changes'
        : 'raises';

const direction = (cosine: number): string =>
  cosine > 0.9
    ? 'in the same direction as'
    : cosine > 0.5
      ? 'in a similar direction as'
      : cosine > -0.5
        ? 'in another direction than'
        : 'in the direction opposite to';
