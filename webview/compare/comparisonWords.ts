import type { LayerComparison, ReportComparison } from '../../src/engine/report/compareReports';
import { plural, typesetNumber } from '../shared/format';

/** A piece of a sentence; names of layers are set apart as code. */
export type Phrase = string | { readonly layer: string };

/** How far a ratio is from 1, either way; layers without a positive ratio come last. */
export const distance = ({ ratio }: LayerComparison): number =>
  ratio && ratio.estimate > 0 ? Math.abs(Math.log(ratio.estimate)) : -1;

/** `2.31 (2.1 to 2.5)`; the bare number where both traces are exact. */
export function ratioText({ ratio, z }: LayerComparison): string {
  if (!ratio) return '–';
  const estimate = typesetNumber(ratio.estimate);
  return z === null
    ? estimate
    : `${estimate} (${typesetNumber(ratio.low, 2)} to ${typesetNumber(ratio.high, 2)})`;
}

export const changedBits = ({ layers }: ReportComparison): LayerComparison[] =>
  layers.filter(({ bits }) => bits.a !== bits.b);

/** What a comparison comes to, in two sentences. */
export function verdict(comparison: ReportComparison): Phrase[] {
  const { layers } = comparison;
  if (layers.length === 0) return ['The two reports have no measured layer of one name.'];
  const differing = layers.filter(({ differs }) => differs);
  const [most] = [...differing].sort((x, y) => distance(y) - distance(x));
  if (!most) return ['No layer’s trace differs beyond its error.', ...bitsPhrases(comparison)];
  const count =
    differing.length === layers.length
      ? layers.length === 1
        ? 'The trace differs'
        : `The traces of all ${layers.length} layers differ`
      : `The traces of ${differing.length} of ${plural(layers.length, 'layer')} differ`;
  return [
    `${count} beyond their errors, most of all that of `,
    { layer: most.name },
    times(most),
    ...bitsPhrases(comparison),
  ];
}

/** The larger by the smaller, as one would say it. */
function times({ ratio }: LayerComparison): string {
  if (!ratio || ratio.estimate <= 0) return '.';
  return ratio.estimate >= 1
    ? `: B’s is ${typesetNumber(ratio.estimate, 2)} times A’s.`
    : `: A’s is ${typesetNumber(1 / ratio.estimate, 2)} times B’s.`;
}

function bitsPhrases(comparison: ReportComparison): Phrase[] {
  if (!comparison.a.suggestion || !comparison.b.suggestion) return [];
  const changed = changedBits(comparison);
  const [first] = changed;
  if (!first) return [' The suggested bits are the same.'];
  return changed.length === 1
    ? [' The suggestions differ in ', { layer: first.name }, '.']
    : [` The suggestions differ in ${changed.length} layers.`];
}

/** What to do about it. */
export function advice(comparison: ReportComparison): string {
  const { isOneModel, isOneDataSet, a, b } = comparison;
  if (!a.suggestion || !b.suggestion || comparison.layers.length === 0) return '';
  if (changedBits(comparison).length === 0) return 'Either suggestion serves both.';
  if (!isOneDataSet && isOneModel)
    return 'The widths depend on the data: go by the report whose data are like those that the model will meet, or give each layer the larger of its two widths.';
  if (!isOneModel) return 'Widths belong to weights: go by the report of the model that you ship.';
  return 'Model and data are the same, so settings, draws or the budget make the difference.';
}

/** Errors of traces are those of the draws. */
export const caution = ({ isOneDataSet, layers }: ReportComparison): string =>
  [
    ...(isOneDataSet
      ? []
      : [
          'Errors are those of the random draws, each on its own samples; other samples of the same kind of data would differ as well.',
        ]),
    ...(layers.some(({ ratio }) => ratio === null)
      ? ['Where A is not above 0 beyond its error there is no ratio.']
      : []),
  ].join(' ');
