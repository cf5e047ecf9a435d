/** What is to be done again and again, but no sooner than so many milliseconds after the last time, nor for more than a tenth of the time. */
export function atMostEvery(milliseconds: number, act: () => void): () => void {
  let next = -Infinity;
  return () => {
    const start = performance.now();
    if (start < next) return;
    act();
    const end = performance.now();
    next = Math.max(start + milliseconds, end + 9 * (end - start));
  };
}
