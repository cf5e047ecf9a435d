/** P(|T| ≤ t) for Student's t with a whole number of degrees of freedom, where tan θ = t/√ν (Abramowitz & Stegun 26.7.3–4). */
function central(theta: number, degrees: number): number {
  const cos2 = Math.cos(theta) ** 2;
  const isOdd = degrees % 2 === 1;
  let term = isOdd ? Math.cos(theta) : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k < degrees; k += 2) {
    term *= (cos2 * (k - 1)) / k;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
}

/**
 * How many standard errors to either side hold the truth with this probability, where the standard error itself comes from
 * `samples` normal numbers: Student's t with `samples` − 1 degrees of freedom. 1.96 for many samples and 0.95; Infinity for one.
 */
export function studentT(level: number, samples: number): number {
  const degrees = samples - 1;
  if (degrees < 1) return Infinity;
  // Beyond that the law is the normal one to four digits, and the series long.
  if (degrees > 1e4) return studentT(level, 1e4 + 1);
  let [low, high] = [0, Math.PI / 2];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (central(middle, degrees) < level) low = middle;
    else high = middle;
  }
  return Math.sqrt(degrees) * Math.tan(low);
}

/**
 * Low and high end of the 95 % interval of a number whose standard error comes from `samples` normal numbers. Where there is no
 * error, both are the number itself.
 */
export function interval95({
  estimate,
  stderr,
  samples,
}: Readonly<Record<'estimate' | 'stderr' | 'samples', number>>): [low: number, high: number] {
  const half = stderr === 0 ? 0 : studentT(0.95, samples) * stderr;
  return [estimate - half, estimate + half];
}
