/** Lines of a table whose first row is its header: words to the left of their column, numbers to the right. */
export function alignColumns(
  rows: readonly (readonly string[])[],
  isWord: (column: number) => boolean,
): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
  const align = (text: string, column: number): string =>
    isWord(column) ? text.padEnd(widths[column]) : text.padStart(widths[column]);
  return rows.map(row => row.map(align).join('  ').trimEnd());
}
