const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export interface GridKeys {
  /** Puts a place of its own into the attributes of an element that is part of the grid. */
  place(cell: HTMLElement, row: number, column: number): void;
  /** Makes a cell the one in the tab order; without effect where there is no such cell. */
  rest(row: number, column: number): void;
}

/** One cell of a grid is in the tab order at a time; the arrow keys, Home and End move through the others. */
export function gridKeys(root: HTMLElement, onEnter: (row: number, column: number) => void): GridKeys {
  const cells = (selector: string) => [...root.querySelectorAll<HTMLElement>(selector)];
  const inRow = (row: number) => cells(`[data-row="${row}"]`);
  const cellAt = (row: number, column: number) => inRow(row)[column];

  function rest(row: number, column: number): void {
    const cell = cellAt(row, column);
    if (!cell) return;
    for (const other of cells('[data-row][tabindex="0"]')) other.tabIndex = -1;
    cell.tabIndex = 0;
  }

  function place(cell: HTMLElement, row: number, column: number): void {
    cell.dataset.row = String(row);
    cell.dataset.at = String(column);
    cell.tabIndex = -1;
  }

  const placeOf = (target: EventTarget | null): readonly [number, number] | undefined => {
    const cell = target instanceof Element ? target.closest<HTMLElement>('[data-row]') : null;
    return cell && root.contains(cell) ? [Number(cell.dataset.row), Number(cell.dataset.at)] : undefined;
  };

  root.addEventListener('focusin', ({ target }) => {
    const at = placeOf(target);
    if (!at) return;
    rest(...at);
    onEnter(...at);
  });
  root.addEventListener('keydown', event => {
    const at = placeOf(event.target);
    if (!at || event.altKey || event.metaKey) return;
    const [row, column] = at;
    const step = steps[event.key];
    const next = step
      ? cellAt(row + step[0], column + step[1])
      : event.key === 'Home'
        ? inRow(row)[0]
        : event.key === 'End'
          ? inRow(row).at(-1)
          : undefined;
    if (!step && !next) return;
    event.preventDefault();
    next?.focus();
  });
  return { place, rest };
}
