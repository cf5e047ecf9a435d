/** A no-break space: a number and its unit stay on one line. */
const NBSP = '\u00a0';
const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];
const SUPERSCRIPTS: Readonly<Record<string, string>> = {
  '-': '⁻',
  '0': '⁰',
  '1': '¹',
  '2': '²',
  '3': '³',
  '4': '⁴',
  '5': '⁵',
  '6': '⁶',
  '7': '⁷',
  '8': '⁸',
  '9': '⁹',
};

/** A number as programs write it, `-1.23e-5`, set as in print: `−1.23 × 10⁻⁵`. */
function typeset(plain: string): string {
  const [mantissa = '', exponent] = plain.split('e');
  const text = mantissa.replace('-', '−');
  return exponent === undefined ? text : `${text}${NBSP}×${NBSP}${powerOfTen(Number(exponent))}`;
}

function written(value: number, digits: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(digits - 1);
  return size >= 10 ** digits ? value.toFixed(0) : value.toPrecision(digits);
}

/** A number with `digits` significant digits, set as in print; powers of ten only where a plain number would be long. */
export const typesetNumber = (value: number, digits = 3): string => typeset(written(value, digits));

/** A sentence that terminals show too, with powers of ten and negative numbers set as the page sets its own. */
export const typesetNumbers = (sentence: string): string =>
  sentence
    .replace(ESTIMATE, (all, value: string, error: string) => {
      const shared = withError(Number(value), Number(error));
      return all.includes('e') || isKnown(shared, value) ? shared : all;
    })
    .replace(NUMBER, typeset);

/** A sentence whose lines end neither at ± nor between lr and its number. */
export const unbroken = (sentence: string): string =>
  sentence.replaceAll(' ± ', `${NBSP}±${NBSP}`).replace(/\blr (?=\d)/g, `lr${NBSP}`);

/** A number that stands for itself. */
const NUMBER = /(?<![\w.-])-?\d+(\.\d+)?(e[+-]?\d+)?(?!\w)/g;

/** A number with its error, which share a power of ten where either has one. */
const ESTIMATE = /(?<![\w.-])(-?[\d.]+(?:e[+-]?\d+)?) ± (\d[\d.]*(?:e[+-]?\d+)?)(?![\w.]*\d)/g;

const decimalsOf = (number: string): number => number.split('.')[1]?.length ?? 0;

/** Whether a sentence's number has the decimals of what shall replace it: its own three digits may have lost zeros, no more. */
function isKnown(shared: string, value: string): boolean {
  const [figures = ''] = shared.split(' ');
  const digits = figures.replace(/^\D*0*\.?0*/, '').replace('.', '').length;
  return decimalsOf(figures) <= decimalsOf(value) || digits <= 3;
}

/** A value and its error over one power of ten, which is empty where there is none. */
export interface EstimateParts {
  readonly figures: string;
  readonly error: string;
  readonly power: string;
}

/** The least error that is written out. */
const LEAST_ERROR = 1e-6;

/** A value to the digits that its error leaves it, five at most, and the error to two; `error` must be above zero. */
export function estimateParts(value: number, error: number): EstimateParts {
  const exponent = Math.floor(Math.log10(Math.max(Math.abs(value), error)));
  const isPlain = exponent >= -3 && exponent < 6;
  const scale = isPlain ? 1 : 10 ** exponent;
  const rounded = Number((error / scale).toPrecision(2));
  const wanted = 1 - Math.floor(Math.log10(rounded));
  const decimals = Math.max(0, Math.min(wanted, 4 - (isPlain ? exponent : 0)));
  const shown = Number((value / scale).toFixed(decimals));
  const figures = `${shown < 0 ? '−' : ''}${Math.abs(shown).toFixed(decimals)}`;
  return {
    figures,
    error: rounded < LEAST_ERROR ? `<${LEAST_ERROR.toFixed(6)}` : rounded.toFixed(Math.max(0, wanted)),
    power: isPlain ? '' : `×${NBSP}${powerOfTen(exponent)}`,
  };
}

/** `12.3 ± 1.4`, `(1.25 ± 0.31) × 10⁻⁵`; the value alone where there is no error. */
export function withError(value: number, error: number): string {
  if (!(error > 0)) return typesetNumber(value, 4);
  const { figures, error: spread, power } = estimateParts(value, error);
  const sum = `${figures} ± ${spread}`;
  return power ? `(${sum})${NBSP}${power}` : sum;
}

/** `10⁻³`. */
export const powerOfTen = (exponent: number): string =>
  `10${[...String(exponent)].map(digit => SUPERSCRIPTS[digit]).join('')}`;

export const formatCount = (value: number): string => value.toLocaleString('en-US');

/** `269 k`, `25.6 M`: a count where only its size matters. */
export function shortCount(value: number): string {
  if (value < 10_000) return formatCount(value);
  const [scale, unit] = value < 1e6 ? [1e3, 'k'] : value < 1e9 ? [1e6, 'M'] : [1e9, 'G'];
  return `${(value / scale).toPrecision(3)}${NBSP}${unit}`;
}

export interface ByteUnit {
  readonly name: string;
  readonly bytes: number;
}

/** The unit of 1000 (as budgets are written) in which the largest of some sizes reads best. */
export function byteUnit(largest: number): ByteUnit {
  const power = largest < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(largest) / 3));
  return { name: BYTE_UNITS[power] ?? 'B', bytes: 1000 ** power };
}

export function formatBytes(bytes: number): string {
  const unit = byteUnit(bytes);
  const value = bytes / unit.bytes;
  return `${unit.bytes === 1 || value >= 100 ? value.toFixed(0) : value.toPrecision(3)}${NBSP}${unit.name}`;
}

/** A share of one as a percentage. */
export function formatPercent(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.1) return `<${NBSP}0.1${NBSP}%`;
  return `${percent < 10 ? Number(percent.toPrecision(2)) : percent.toFixed(0)}${NBSP}%`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 0.001) return `<${NBSP}1${NBSP}ms`;
  if (seconds < 1) return `${(1000 * seconds).toFixed(0)}${NBSP}ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)}${NBSP}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${NBSP}min ${Math.round(seconds % 60)}${NBSP}s`;
  return `${Math.floor(minutes / 60)}${NBSP}h ${minutes % 60}${NBSP}min`;
}

export const formatShape = (shape: readonly number[]): string => shape.join(' × ');

export const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

/** Shortens a name in its middle, where scope paths differ least. */
export function shorten(name: string, length: number): string {
  if (name.length <= length) return name;
  const tail = Math.ceil((length - 1) * 0.65);
  return `${name.slice(0, length - 1 - tail)}…${name.slice(-tail)}`;
}

function commonStart(names: readonly string[]): string {
  const [first = ''] = names;
  let length = first.length;
  for (const name of names) while (!name.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}

const reversed = (text: string): string => [...text].reverse().join('');

/** Leaves out the scopes that all names begin or end with; only what tells them apart is left. */
export function withoutCommonScopes(names: readonly string[]): string[] {
  if (names.length < 2) return [...names];
  const start = /^.*[./]/.exec(commonStart(names))?.[0].length ?? 0;
  const rest = names.map(name => name.slice(start));
  const end = /[./].*$/.exec(reversed(commonStart(rest.map(reversed))))?.[0].length ?? 0;
  return rest.map(name => `${start ? '…' : ''}${end ? name.slice(0, -end) : name}`);
}
