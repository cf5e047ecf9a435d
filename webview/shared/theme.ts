/** Colours that the canvas needs, read from the page's own variables (`theme.css`). */
export interface Theme {
  readonly foreground: string;
  readonly muted: string;
  readonly grid: string;
  readonly background: string;
  readonly surface: string;
  readonly border: string;
  readonly accent: string;
  /** For bars that are there to be compared with. */
  readonly neutral: string;
  readonly warning: string;
  readonly error: string;
  readonly fontFamily: string;
  readonly highContrast: boolean;
  readonly bits: (bits: number | null) => string;
}

/** Class of a bit width's colour, float's for 32; widths between two named ones share the next. */
export function bitsClass(bits: number | null): string {
  if (bits === null || bits >= 32) return 'bits-none';
  return `bits-${[2, 3, 4, 5, 6, 8].find(width => bits <= width) ?? 16}`;
}

/** The colour that is seen where `colours` lie over each other, the last on top. */
function seen(canvas: CanvasRenderingContext2D, colours: readonly string[]): string {
  for (const colour of colours) {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
  }
  const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

/**
 * Custom properties may hold `var()` and `color-mix()`; only a real property gives the colour they come to. Where a
 * theme has a translucent one, what it comes to on the page's background is taken.
 */
function resolver(): (property: string) => string {
  const probe = document.createElement('span');
  probe.hidden = true;
  // Or a system that forces its colours would answer with that of text, whatever is asked.
  probe.style.setProperty('forced-color-adjust', 'none');
  document.body.append(probe);
  const style = getComputedStyle(probe);
  queueMicrotask(() => probe.remove());
  const computed = (property: string): string => {
    probe.style.color = `var(${property})`;
    return style.color;
  };
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  return property =>
    canvas ? seen(canvas, [computed('--cv-background'), computed(property)]) : computed(property);
}

const FORCED_COLOURS = '(forced-colors: active)';
const DARK = '(prefers-color-scheme: dark)';

export function readTheme(): Theme {
  const colour = resolver();
  const widths = ['none', 2, 3, 4, 5, 6, 8, 16].map(width => `bits-${width}`);
  const byClass = new Map(widths.map(name => [name, colour(`--cv-${name}`)]));
  return {
    foreground: colour('--cv-foreground'),
    muted: colour('--cv-muted'),
    grid: colour('--cv-grid'),
    background: colour('--cv-background'),
    surface: colour('--cv-surface'),
    border: colour('--cv-border'),
    accent: colour('--cv-accent'),
    neutral: colour('--cv-neutral'),
    warning: colour('--cv-warning'),
    error: colour('--cv-error'),
    fontFamily: getComputedStyle(document.body).fontFamily,
    highContrast:
      window.matchMedia(FORCED_COLOURS).matches || document.body.className.includes('high-contrast'),
    bits: bits => byClass.get(bitsClass(bits)) ?? colour('--cv-bits-none'),
  };
}

/** Outside VS Code the page follows the system, and says so the way VS Code would. */
export function followSystemTheme(): void {
  const root = document.documentElement;
  const dark = window.matchMedia(DARK);
  const apply = () => {
    const kind = dark.matches ? 'vscode-dark' : 'vscode-light';
    document.body.classList.remove('vscode-dark', 'vscode-light');
    document.body.classList.add(kind);
    document.body.dataset.vscodeThemeKind = kind;
  };
  root.dataset.standalone = '';
  dark.addEventListener('change', apply);
  apply();
}

/** Runs `onChange` after VS Code (or the system) has switched the theme. */
export function watchTheme(onChange: () => void): void {
  let pending = 0;
  const soon = () => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(onChange);
  };
  const observer = new MutationObserver(soon);
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-kind'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
  // With forced colours the system may go from dark ones to light ones while VS Code keeps its theme.
  for (const query of [FORCED_COLOURS, DARK]) window.matchMedia(query).addEventListener('change', soon);
}
