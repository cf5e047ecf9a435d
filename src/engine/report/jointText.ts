import { formatMeasured, formatNumber, samplesText } from './format';
import type { Report } from './schema';

/** How the suggestion was found among whole choices; undefined where none were run. */
export function jointSentence({ budget, layers, settings }: Report): string | undefined {
  const joint = budget?.joint;
  if (!joint) return undefined;
  const { runs, samples, bySum } = joint;
  const measure =
    settings.loss === 'mse' ? 'mean squared change' : joint.tempered ? 'KL at temperature 2' : 'KL';
  const change = joint.tempered ?? joint.divergence;
  const bySumChange = bySum.tempered ?? bySum.divergence;
  const on = `run on ${samplesText(samples)} with all layers quantized`;
  if (layers.every(({ bits }, l) => bits === bySum.bits[l]))
    return `The choice of least ΣΩ; none of ${runs - 1} others changes the outputs less, ${on} (${measure} ${formatMeasured(change)}).`;
  return `Chosen among ${runs} ${on}: the outputs change by ${formatMeasured(change)} (${measure}), by ${formatMeasured(bySumChange)} at the least ΣΩ, ${formatNumber(bySum.sensitivity)}.`;
}
