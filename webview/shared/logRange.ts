/** A figure and its standard error, 0 where it is exact. */
export interface Figure {
  readonly value: number;
  readonly stderr: number;
}

export interface LogRange {
  readonly min: number;
  readonly max: number;
}

/** Ends of a logarithmic axis: whole decades around every bar and as much of the errors as is above zero. */
export function logRange(shown: readonly Figure[]): LogRange {
  const positive = shown.filter(figure => figure.value > 0);
  if (!positive.length) return { min: 0.1, max: 10 };
  const lows = positive.map(({ value, stderr }) => (stderr < value ? value - stderr : value / 2));
  const highs = positive.map(({ value, stderr }) => value + stderr);
  const decade = (value: number, round: (x: number) => number) => 10 ** round(Math.log10(value));
  // Half of the smallest end, so that the smallest bar still has a length.
  return { min: decade(Math.min(...lows) / 2, Math.floor), max: decade(Math.max(...highs), Math.ceil) };
}
