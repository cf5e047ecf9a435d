import { doubtOf, doubtText } from '../../src/engine/report/doubt';
import type { Report } from '../../src/engine/report/schema';
import type { TrustReport } from '../../src/engine/report/trust';
import { formatPercent, plural, typesetNumber } from '../shared/format';

/** Numbers as a list in a sentence: `2, 3 and 4`. */
const listed = (items: readonly (string | number)[]): string =>
  [items.slice(0, -1).join(', '), items.at(-1)]
    .filter(part => part !== '' && part !== undefined)
    .join(' and ');

export const trustWidths = ({ layers }: TrustReport): number[] =>
  [...new Set(layers.flatMap(({ steps }) => steps.map(({ bits }) => bits)))].sort((a, b) => a - b);

/** At which widths the second-order model stops to hold before the step ends, and from which on it holds for all layers. */
export function trustSentence(trust: TrustReport): string {
  const counts = trustWidths(trust).map(bits => {
    const steps = trust.layers.flatMap(layer => layer.steps.filter(step => step.bits === bits));
    return { bits, off: steps.filter(({ radius }) => radius < 1).length, all: steps.length };
  });
  const doubtful = counts.filter(({ off }) => off > 0);
  const sound = counts.filter(({ off }) => off === 0).map(({ bits }) => bits);
  const within = `within ${formatPercent(trust.settings.tolerance)} of the measured change of the loss`;
  if (!doubtful.length)
    return `The second-order model is ${within} along the steps of all layers to ${listed(sound)} bits.`;
  const [first, ...rest] = doubtful;
  const left = [
    `At ${first.bits} bits ${first.off} of ${plural(first.all, 'layer')}`,
    ...rest.map(({ bits, off, all }) => `at ${bits} bits ${off} of ${all}`),
  ];
  const leave = first.off === 1 && !rest.length ? 'leaves' : 'leave';
  const widest = Math.max(...doubtful.map(({ bits }) => bits));
  const stay = !sound.length
    ? ''
    : sound.every(bits => bits > widest)
      ? `; from ${sound[0]} bits on all stay`
      : `; at ${listed(sound)} bits all stay`;
  return `${listed(left)} ${leave} the radius in which the second-order model is ${within}${stay}.`;
}

/** Why a sensitivity should not be believed, where it is shown; undefined where nothing speaks against it. */
export function doubtNote(report: Report, layer: string, bits: number): string | undefined {
  const step = doubtOf(report, layer, bits);
  return step && `Not trusted: ${doubtText(step, typesetNumber)}`;
}

/** What the doubts mean for the widths that are chosen: those whose sensitivity is measured bear none. */
export function chosenSentence(report: Report): string {
  const doubted = report.layers.flatMap(({ name, bits }) =>
    bits !== null && doubtOf(report, name, bits) ? [{ name, bits }] : [],
  );
  const { measureUpTo = 0 } = report.settings;
  const measured = measureUpTo
    ? `Sensitivities up to ${measureUpTo} bits are measured and need no such model. `
    : '';
  if (!report.layers.some(({ bits }) => bits !== null)) return measured.trim();
  if (!doubted.length) return `${measured}None of the widths shown rests on a doubted sensitivity.`;
  const most = Math.max(...doubted.map(({ bits }) => bits));
  const named = listed(doubted.slice(0, 3).map(({ name, bits }) => `${name} at ${bits} bits`));
  const others = doubted.length > 3 ? ` and ${doubted.length - 3} more` : '';
  const verb = doubted.length === 1 ? 'rests on a doubted sensitivity' : 'rest on doubted sensitivities';
  return `${measured}${plural(doubted.length, 'width')} shown ${verb}: ${named}${others}. ${doubted.length === 1 ? 'Have it' : 'Have them'} measured with analyze --measure-up-to ${most}, or choose more bits.`;
}
