import type { LayerReport, Report } from '../../src/engine/report/schema';
import { FLOAT32 } from '../../src/engine/analysis/reportProblem';
import type { Choices } from '../shared/channel';
import { formatBytes, formatPercent, plural } from '../shared/format';
import type { Plan } from './plan';

/** The layer and what it is tied to, itself first where it is tied to nothing. */
export const tiedTo = ({ ties }: Choices, name: string): readonly string[] =>
  ties.find(tie => tie.includes(name)) ?? [name];

/** Pins a layer and what it is tied to, as they take one width; null takes the pin away. */
export function pinned(choices: Choices, name: string, bits: number | null): Choices {
  const members = tiedTo(choices, name);
  const others = Object.entries(choices.pins).filter(([layer]) => !members.includes(layer));
  const own = bits === null ? [] : members.map(member => [member, bits] as const);
  return { ...choices, pins: Object.fromEntries([...others, ...own]) };
}

/** Why these layers can't take one width; undefined where they can. */
export function tieProblem({ pins }: Choices, layers: readonly LayerReport[]): string | undefined {
  const pinnedOnes = layers.filter(({ name }) => pins[name] !== undefined);
  const [first, ...others] = pinnedOnes;
  const other = others.find(({ name }) => pins[name] !== pins[first?.name ?? '']);
  if (first && other) {
    return `${first.name} is pinned to ${widthWord(pins[first.name])} and ${other.name} to ${widthWord(pins[other.name])}; tied layers take one width. Take one of the pins away first.`;
  }
  const widths = layers.map(({ sensitivity }) => Object.keys(sensitivity));
  const common = widths[0]?.filter(bits => widths.every(all => all.includes(bits))) ?? [];
  if (!common.length) return 'These layers have no width in common.';
  return undefined;
}

/** Layers that share one with an earlier tie join it; a pin of one holds for all. */
export function tied(choices: Choices, names: readonly string[]): Choices {
  const all = new Set(names.flatMap(name => tiedTo(choices, name)));
  const ties = [...choices.ties.filter(tie => !tie.some(name => all.has(name))), [...all]];
  const pin = [...all].map(name => choices.pins[name]).find(bits => bits !== undefined);
  const next = { ...choices, ties };
  return pin === undefined ? next : pinned(next, [...all][0] ?? '', pin);
}

/** Without the layer's tie; a tie of one is none. */
export const untied = (choices: Choices, name: string): Choices => ({
  ...choices,
  ties: choices.ties.map(tie => tie.filter(member => member !== name)).filter(tie => tie.length > 1),
});

export const widthWord = (bits: number | undefined): string =>
  bits === FLOAT32 ? 'float 32' : `${bits} bits`;

/** `2 pins, 1 tie`, or nothing. */
export const decisionWords = ({ pins, ties }: Choices): string =>
  [
    ...(Object.keys(pins).length ? [plural(Object.keys(pins).length, 'pin')] : []),
    ...(ties.length ? [plural(ties.length, 'tie')] : []),
  ].join(', ');

const MOST_NAMED = 3;

/** Why the size can't be kept, what stands in its way, and what is shown in its place; undefined where it can. */
export function conflict(report: Report, { feasible, limit, allocation, choices }: Plan): string | undefined {
  if (feasible) return undefined;
  const { smallest } = allocation;
  const over = formatPercent(smallest / limit - 1);
  const nearest = `The budget of ${formatBytes(limit)} can’t be met. The nearest choice takes ${formatBytes(smallest)}, ${over} more, and is shown.`;
  const free = (layer: LayerReport): number =>
    Math.min(...Object.keys(layer.sensitivity).map(bits => layer.sizeBytes[bits] ?? Infinity));
  const extra = report.layers
    .flatMap(layer => {
      const bits = choices.pins[layer.name];
      if (bits === undefined) return [];
      const size = bits === FLOAT32 ? 4 * layer.parameters : (layer.sizeBytes[String(bits)] ?? 0);
      return size > free(layer) ? [{ name: layer.name, bits, bytes: size - free(layer) }] : [];
    })
    .sort((a, b) => b.bytes - a.bytes);
  if (!extra.length) return `${nearest} Every layer is at its smallest width already.`;
  const named = extra
    .slice(0, MOST_NAMED)
    .map(
      ({ name, bits, bytes }) =>
        `${name} at ${widthWord(bits)} (${formatBytes(bytes)} above its smallest width)`,
    );
  const more = extra.length - named.length;
  return `${nearest} What stands in the way: ${named.join(', ')}${more ? `, and ${plural(more, 'more pin')}` : ''}.`;
}
