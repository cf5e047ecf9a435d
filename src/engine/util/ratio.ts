/** A number with its standard error, 0 for an exact one. */
export interface Measured {
  readonly estimate: number;
  readonly stderr: number;
}

export interface Ratio {
  readonly estimate: number;
  /** Ends of the 95 % interval. */
  readonly low: number;
  readonly high: number;
}

/** Half the width of a normal 95 % interval, in standard errors. */
const Z = 1.959964;

/**
 * The ratio b/a of two independent, normal estimates with Fieller's 95 % interval: all θ for which b − θa is no further from 0 than its
 * own error makes likely. Null where a is not above 0 beyond its error, since the interval has no end there.
 * Fieller, Some problems in interval estimation, J. R. Stat. Soc. B 16 (1954).
 */
export function ratioOf(b: Measured, a: Measured): Ratio | null {
  const [varianceA, varianceB] = [(Z * a.stderr) ** 2, (Z * b.stderr) ** 2];
  const lead = a.estimate ** 2 - varianceA;
  if (a.estimate <= 0 || lead <= 0) return null;
  const middle = a.estimate * b.estimate;
  const half = Math.sqrt(Math.max(0, middle ** 2 - lead * (b.estimate ** 2 - varianceB)));
  return {
    estimate: b.estimate / a.estimate,
    low: (middle - half) / lead,
    high: (middle + half) / lead,
  };
}
