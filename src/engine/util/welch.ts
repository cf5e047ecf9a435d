/** A number with its standard error, 0 for an exact one, and how many independent draws that comes from. */
export interface Sampled {
  readonly estimate: number;
  readonly stderr: number;
  readonly samples: number;
}

/**
 * b − a for independent estimates. Its standard error is that of so many draws as Student's t needs: one more than the degrees of
 * freedom of Welch & Satterthwaite (Biometrika 34, 1947), which lie between the smaller ones of both and their sum, and are rounded
 * down. Infinity where both are exact.
 */
export function differenceOf(b: Sampled, a: Sampled): Sampled {
  const [x, y] = [b.stderr ** 2, a.stderr ** 2];
  const squares = (x === 0 ? 0 : x ** 2 / (b.samples - 1)) + (y === 0 ? 0 : y ** 2 / (a.samples - 1));
  return {
    estimate: b.estimate - a.estimate,
    stderr: Math.sqrt(x + y),
    // Rounding must not take a whole degree.
    samples: squares === 0 ? Infinity : 1 + Math.floor((x + y) ** 2 / squares + 1e-9),
  };
}
