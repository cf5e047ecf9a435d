/** What is to be done again and again, but no sooner than so many milliseconds after the last time. */
export function atMostEvery(milliseconds: number, act: () => void): () => void {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < milliseconds) return;
    last = now;
    act();
  };
}
