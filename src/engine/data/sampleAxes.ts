/** What is known of an input's shape: numbers, names of symbolic dimensions, or null. */
export interface Shaped {
  readonly name: string;
  readonly shape: readonly (number | string | null)[];
}

/** Whether a dimension is named as the batch. */
export const isBatchName = (d: number | string | null): boolean =>
  typeof d === 'string' && /^batch(_?size)?$/i.test(d);

/**
 * The axis of each input that counts the samples; null for an input that is the same for all of them.
 *
 * It is axis 0, unless the batch's name stands on another axis, or axis 0 has a length that the batch can't have: states of
 * recurrent networks are [layers, batch, width].
 */
export function sampleAxes(inputs: readonly Shaped[]): Map<string, number | null> {
  const symbol = inputs.flatMap(i => i.shape).find(isBatchName);
  const firsts = inputs.filter(i => i.shape.length > 0).map(i => i.shape[0]);
  const lengths = firsts.filter(d => typeof d === 'number');
  const isOpen = lengths.length < firsts.length;
  // Where the file settles all lengths, the batch is the smallest: other numbers of layers and positions are larger.
  const batch = isOpen ? undefined : Math.min(...lengths);
  return new Map(inputs.map(({ name, shape }) => [name, axisOf(shape, symbol ?? firsts[0], batch)]));
}

function axisOf(
  shape: Shaped['shape'],
  symbol: number | string | null | undefined,
  batch: number | undefined,
): number | null {
  const [first] = shape;
  if (first === undefined) return null;
  const named = typeof symbol === 'string' ? shape.indexOf(symbol) : -1;
  if (named >= 0) return named;
  // A 1 that the file states for one input holds for the others as well.
  if (typeof first !== 'number' || first === 1 || first === batch) return 0;
  const other = shape.findIndex(d => (batch === undefined ? typeof d !== 'number' : d === batch));
  return other >= 0 ? other : null;
}
