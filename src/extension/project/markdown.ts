import { formatEstimate, formatNumber } from '../../engine/report/format';
import type { Training } from '../../engine/training/optimizers';
import { completed } from '../../engine/training/settings';
import { suggestedTraining } from '../../engine/training/stableSettings';
import { bandFor, isMeasuredFor, largestError, verdict, verdictWord } from '../../engine/training/verdict';
import { escapeMarkdown } from '../text/layerMarkdown';
import type { StudiedModel } from './findings';

const nothingMeasured =
  'Whether these settings are stable is told here once *Measure Stability of Training* has run on a model that they hold for.';

/** What a hover says about the settings of training. */
export function trainingMarkdown(known: Partial<Training>, models: readonly StudiedModel[]): string {
  const settled = completed(known);
  if ('missing' in settled) return `Stability is judged once ${settled.missing.join(' and ')} are given.`;
  if (models.length === 0) return nothingMeasured;
  return models.map(model => modelMarkdown(settled.training, model)).join('\n\n---\n\n');
}

function modelMarkdown(training: Training, { name, study }: StudiedModel): string {
  const head = `**${escapeMarkdown(name)}**`;
  if (!isMeasuredFor(training, study))
    return `${head}: measured for another kind of optimizer; measure the stability of training again.`;
  const found = verdict(training, study);
  const { largest, trace, criticalBatchSize, suggestion } = study;
  const { sufficient, necessary } = bandFor(training, study);
  const use = suggestedTraining(training, study, suggestion);
  return [
    `${head}: **${verdictWord(found)}.** ${found.message}`,
    [
      `λmax ${formatEstimate({ estimate: largest.value, stderr: largestError(study), exact: false })}`,
      `trace ${formatEstimate(trace)}`,
      `critical batch size ${formatNumber(criticalBatchSize)}`,
    ].join(' · '),
    `With batches of ${training.batchSize}: stable below lr ${formatNumber(sufficient)}, unstable above ${formatNumber(necessary)}. ` +
      `Suggested: lr ${use.learningRate}, ${use.optimizer === 'adam' ? 'β₁' : 'momentum'} ${use.momentum}.`,
  ].join('\n\n');
}
