/** Class of a column of estimates that keeps a place as wide as the longest of its errors, so that figures stand under each other. */
export function errorPlace(errors: readonly string[]): string {
  const longest = Math.max(0, ...errors.map(text => text.length));
  if (longest === 0) return '';
  return longest > 8 ? 'with-longest-error' : longest > 6 ? 'with-long-error' : 'with-error';
}
