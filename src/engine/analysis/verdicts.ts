import { formatNumber } from '../report/format';
import { type MetricName, metricTitles, predictions } from '../report/metrics';
import type { Proof, ProofAllocation } from '../report/proof';

/** Noise that a difference must pass to count, in standard errors. */
const SIGNIFICANT = 2;

/** Sentences on whether the suggestion holds, and which metrics don't foretell what layers suffer on this model. */
export function verdictsOf(proof: Omit<Proof, 'verdicts'>): string[] {
  const rivals = proof.allocations.filter(({ kind }) => kind === 'metric' || kind === 'random');
  const [suggestion] = proof.allocations;
  const against = (rival: ProofAllocation, whom: string): string => compared(suggestion, rival, whom);
  const ranked = rivals.length === 1 ? 'the one rival' : `the best of ${rivals.length} rivals`;
  const best = rivals.toSorted((a, b) => a.loss - b.loss).at(0);
  return [
    ...(best ? [against(best, `${ranked} of its size (${named(best)})`)] : []),
    ...proof.allocations.filter(({ kind }) => kind === 'uniform').map(u => against(u, sized(u))),
    ...agreementVerdicts(proof),
  ];
}

/** Ranks of fewer layers say nothing. */
const FEWEST_LAYERS = 5;

function agreementVerdicts({ agreement, single, resolvedBits }: Omit<Proof, 'verdicts'>): string[] {
  const layers = new Set(single.map(s => s.layer)).size;
  if (layers < FEWEST_LAYERS)
    return [`${layers} layers are too few to tell by ranks which metric foretells their losses.`];
  if (resolvedBits.length === 0)
    return [
      'At no width do the losses of single layers stand out of the noise of the data: take more samples to tell metrics apart.',
    ];
  return agreement.filter(a => a.measured === 'deltaLoss').flatMap(blind);
}

const named = ({ kind, name }: ProofAllocation): string =>
  kind === 'metric' ? `the choice by ${metricTitles[name as MetricName]}` : name;

const sized = ({ name, effectiveBits }: ProofAllocation): string =>
  `${name} (${formatNumber(effectiveBits)} bits per weight)`;

function compared(
  suggestion: ProofAllocation,
  { bits, lossOverSuggestion }: ProofAllocation,
  whom: string,
): string {
  if (Object.entries(bits).every(([layer, width]) => suggestion.bits[layer] === width))
    return `The suggestion is the same as ${whom}.`;
  const { value, stderr = 0 } = lossOverSuggestion!;
  const by = `${formatNumber(Math.abs(value))} ± ${Number(stderr.toPrecision(2))}`;
  if (Math.abs(value) <= SIGNIFICANT * stderr)
    return `The suggestion loses as much as ${whom} within the noise of the data (${value < 0 ? 'more' : 'less'} by ${by}).`;
  return `The suggestion loses ${value > 0 ? 'less' : 'more'} than ${whom}, by ${by}.`;
}

/** A metric whose ranking of layers of equal width may as well be chance. */
function blind({ metric, acrossLayers, acrossLayersInterval }: Proof['agreement'][number]): string[] {
  if (!predictions.includes(metric) || acrossLayers === null) return [];
  if (acrossLayersInterval && acrossLayersInterval.low > 0) return [];
  const interval = acrossLayersInterval
    ? ` (95 %: ${rhoText(acrossLayersInterval.low)} to ${rhoText(acrossLayersInterval.high)})`
    : '';
  return [
    `${metricTitles[metric]} does not tell on this model which layers suffer more at equal width: ρ = ${rhoText(acrossLayers)}${interval}.`,
  ];
}

const rhoText = (rho: number): string => rho.toFixed(2).replace('-', '−');
