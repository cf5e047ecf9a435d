import { metricNames } from '../report/metrics';
import type { Proof } from '../report/proof';
import { agreement, type Table } from '../sensitivity/agreement';
import { spearman } from '../util/rankCorrelation';
import type { Change } from './changes';
import { costTable } from './metricTable';
import type { Task } from './proofTask';

/** Noise that a change must pass to be told from none, in standard errors. */
const RESOLVED = 2;

/** The widths at which the changes of half of the layers or more stand out of the noise. */
export const resolvedBits = (widths: readonly number[], changes: readonly (readonly Change[])[]): number[] =>
  widths.filter((_, w) => {
    const clear = changes.filter(
      row => Math.abs(row[w].deltaLoss.value) > RESOLVED * (row[w].deltaLoss.stderr ?? 0),
    );
    return 2 * clear.length >= changes.length;
  });

/** How well each metric of the report foretells what is measured. */
export function agreementOf(
  { report, options, layers }: Task,
  changes: readonly (readonly Change[])[],
  allocations: Proof['allocations'],
): Proof['agreement'] {
  const { bits } = report.settings;
  const predicted = layers.map(l => l.predicted);
  const resolved = resolvedBits(bits, changes);
  const targets = [
    { measured: 'deltaLoss' as const, of: ({ deltaLoss }: Change) => deltaLoss.value },
    { measured: 'divergence' as const, of: ({ divergence }: Change) => divergence.value },
  ];
  return targets.flatMap(({ measured: what, of }) =>
    metricNames
      .filter(metric => predicted.some(p => p[metric]))
      .map(metric => {
        const told = allocations.filter(a => a.predicted[metric] !== undefined);
        const rho = spearman(
          told.map(a => a.predicted[metric]!),
          told.map(a => (what === 'deltaLoss' ? a.lossChange : a.divergence).value),
        );
        const truth: Table = changes.map(row => row.map(of));
        return {
          metric,
          measured: what,
          ...agreement(
            costTable(predicted, metric, bits),
            truth,
            bits,
            options.seed,
            what === 'deltaLoss' && resolved.length > 0 ? resolved : bits,
          ),
          allocations: Number.isNaN(rho) ? null : rho,
        };
      }),
  );
}
