/** Seconds of an analysis, handed out to its stages. */
export class TimeBudget {
  private readonly end: number;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(
    readonly seconds: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.end = now() + 1000 * seconds;
  }

  /** Milliseconds that are left, 0 at least. */
  left(): number {
    return Math.max(0, this.end - this.now());
  }

  /**
   * A part of what is left from now on, as a function that tells how much of it has passed: 0 at first, 1 and more when it is up. What a
   * stage leaves over goes to the next ones.
   */
  share(part: number): TimeSpent {
    const start = this.now();
    const length = part * this.left();
    return () => (length > 0 ? (this.now() - start) / length : 1);
  }
}

/** How much of the time given has passed; from 1 on a search ends after the sample that it is at. */
export type TimeSpent = () => number;

/** Whether there is a limit and it has passed. */
export const isTimeUp = (spent: TimeSpent | undefined): boolean => spent !== undefined && spent() >= 1;
