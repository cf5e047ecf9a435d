/** Runs `redraw` once `root` is wider or narrower than it was. */
export function onWidthChange(root: HTMLElement, redraw: () => void): void {
  let width = 0;
  new ResizeObserver(() => {
    if (root.clientWidth !== width) redraw();
    width = root.clientWidth;
  }).observe(root);
}
