import { atMostEvery } from '../util/atMostEvery';

/** Partial reports cost something to build and to send; more than a few a second help nobody. */
export const PARTIAL_INTERVAL_MS = 300;

/**
 * Measures something that grows: what is found so far goes to `onPartial` now and then, and once more where it stops early, before the error is
 * thrown.
 * @param soFar the report of what is found, undefined where there is nothing to show yet
 * @param measure is given what to call whenever there is more
 */
export async function inParts<R>(
  onPartial: ((report: R) => void) | undefined,
  soFar: () => R | undefined,
  measure: (foundMore: () => void) => Promise<void>,
): Promise<void> {
  const send = (): void => {
    const report = onPartial && soFar();
    if (report !== undefined) onPartial?.(report);
  };
  try {
    await measure(atMostEvery(PARTIAL_INTERVAL_MS, send));
  } catch (error) {
    send();
    throw error;
  }
}
