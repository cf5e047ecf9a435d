/**
 * Running mean and variance by Welford's update (Technometrics 4, 1962), which doesn't cancel where the mean
 * is large beside the spread.
 */
export class RunningMoments {
  private n = 0;
  private average = 0;
  private squares = 0;

  add(value: number): void {
    this.n += 1;
    const deviation = value - this.average;
    this.average += deviation / this.n;
    this.squares += deviation * (value - this.average);
  }

  get count(): number {
    return this.n;
  }

  get mean(): number {
    return this.average;
  }

  /** Unbiased sample variance; NaN below two values. */
  get variance(): number {
    return this.n < 2 ? NaN : this.squares / (this.n - 1);
  }

  /** Standard error of the mean, sd/√n; NaN below two values. */
  get stderr(): number {
    return Math.sqrt(this.variance / this.n);
  }
}
