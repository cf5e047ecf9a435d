import { formatNumber } from './format';
import type { Joint, Report } from './schema';

/** How the suggestion was found among whole choices; undefined where none were run. */
export function jointSentence({ budget, layers, settings }: Report): string | undefined {
  const joint = budget?.joint;
  if (!joint) return undefined;
  const { runs, samples, divergence, bySum } = joint;
  const measure = settings.loss === 'mse' ? 'mean squared change' : 'KL';
  const on = `run on ${samples} samples with all layers quantized`;
  if (layers.every(({ bits }, l) => bits === bySum.bits[l]))
    return `The choice of least ΣΩ; none of ${runs - 1} near it changes the outputs less, ${on} (${measure} ${amount(divergence)}).`;
  return `Chosen among ${runs} ${on}: the outputs change by ${amount(divergence)} (${measure}), by ${amount(bySum.divergence)} at the least ΣΩ, ${formatNumber(bySum.sensitivity)}.`;
}

const amount = ({ value, stderr = 0 }: Joint['divergence']): string =>
  `${formatNumber(value)} ± ${Number(stderr.toPrecision(2))}`;
