import type { MetricName, MetricValue } from '../../src/engine/report/metrics';
import type { Proof, ProofAllocation } from '../../src/engine/report/proof';
import { type Child, element, fill } from '../shared/element';
import { formatBytes, formatCount, typesetNumber, typesetNumbers, withError } from '../shared/format';
import { plainTable } from '../shared/scrollingTable';
import { metricWords } from './predictionPoints';
import { panel, type Section } from './section';

const value = (found: MetricValue | undefined): Child[] => [
  found === undefined ? '–' : withError(found.value, found.stderr ?? 0),
];

const words = ({ kind, name }: ProofAllocation): string =>
  kind === 'metric' ? `chosen by ${metricWords[name as MetricName]}` : name;

/** Random choices are there to be counted; one row stands for each of the others. */
const named = ({ allocations }: Proof): ProofAllocation[] =>
  allocations.filter(({ kind }) => kind !== 'random');

function row(allocation: ProofAllocation, hasAccuracy: boolean): HTMLElement {
  const { kind, bytes, effectiveBits, predicted, lossChange, divergence } = allocation;
  const cells: Child[][] = [
    [formatBytes(bytes)],
    [effectiveBits.toPrecision(3)],
    [predicted.sensitivity === undefined ? '–' : typesetNumber(predicted.sensitivity / 2)],
    value(lossChange),
    value(divergence),
    ...(hasAccuracy ? [value(allocation.accuracyChange)] : []),
    kind === 'suggestion' ? [] : value(allocation.lossOverSuggestion),
  ];
  return element(
    'tr',
    kind === 'suggestion' ? { class: 'selected' } : {},
    element('th', { scope: 'row' }, words(allocation)),
    ...cells.map(children => element('td', { class: 'number' }, ...children)),
  );
}

function randomWords(proof: Proof): string {
  const drawn = proof.allocations.filter(({ kind }) => kind === 'random');
  const worse = drawn.filter(({ lossOverSuggestion }) => (lossOverSuggestion?.value ?? 0) > 0).length;
  return drawn.length ? `${worse} of ${drawn.length} random choices of this size lose more.` : '';
}

/** What the suggestion is worth on data that the analysis has not seen, beside its rivals. */
export function proof(): Section {
  const said = element('ul', { class: 'meaning verdicts' });
  const head = element('thead');
  const body = element('tbody');
  const title = 'Proof: the suggestion and its rivals on held-out data';
  const root = panel(title, 'proof');
  root.append(said, plainTable(title, head, body).root);
  return {
    root,
    update({ measured }) {
      const found = measured?.proof;
      root.hidden = !found;
      if (!found) return;
      const hasAccuracy = found.allocations.some(({ accuracyChange }) => accuracyChange);
      const titles = [
        'Size',
        'Eff. bits',
        'Predicted ½ ΣΩ',
        'Loss change',
        'Divergence',
        ...(hasAccuracy ? ['Accuracy change'] : []),
        'Loss over suggestion',
      ];
      fill(said, found, () =>
        [...found.verdicts, randomWords(found), `Measured on ${formatCount(found.samples)} samples.`]
          .filter(Boolean)
          .map(sentence => element('li', {}, typesetNumbers(sentence))),
      );
      fill(head, titles, () => [
        element(
          'tr',
          {},
          element('th', { scope: 'col' }, 'Widths'),
          ...titles.map(text => element('th', { scope: 'col', class: 'number' }, text)),
        ),
      ]);
      fill(body, found, () => named(found).map(one => row(one, hasAccuracy)));
    },
  };
}
