import type { StabilityReport } from '../../engine/report/stability';
import type { Training } from '../../engine/training/optimizers';
import { stableBatchSize, stableRate, suggestedTraining } from '../../engine/training/stableSettings';
import { isMeasuredFor, verdict, type Verdict } from '../../engine/training/verdict';
import { visible } from '../text/format';

/** A model that a project's file holds for, whose stability of training has been measured. */
export interface StudiedModel {
  readonly name: string;
  readonly study: StabilityReport;
}

export interface TrainingFinding {
  readonly model: string;
  readonly code: Verdict['code'] | 'not-measured';
  readonly severity: Verdict['severity'];
  readonly message: string;
}

const kindOf = (isAdam: boolean): string => (isAdam ? 'Adam' : 'SGD');

/** What is to be said against the settings, for each model; nothing where training is stable. */
export function trainingFindings(training: Training, models: readonly StudiedModel[]): TrainingFinding[] {
  return models.flatMap(({ name, study }): TrainingFinding[] => {
    const model = visible(name);
    if (!isMeasuredFor(training, study)) {
      const measured = kindOf(study.settings.isPreconditioned);
      const message = `${model}: the stability of training was measured for ${measured}, and ${kindOf(training.optimizer === 'adam')} sees another matrix. Measure it again.`;
      return [{ model: name, code: 'not-measured', severity: 'info', message }];
    }
    const { code, severity, message } = verdict(training, study);
    return code === 'stable' ? [] : [{ model: name, code, severity, message: `${model}: ${message}` }];
  });
}

export interface TrainingFix {
  readonly title: string;
  readonly changes: Partial<Training>;
}

/** Settings with which training is stable on all models that were measured for this optimizer; none where it already is. */
export function trainingFixes(training: Training, models: readonly StudiedModel[]): TrainingFix[] {
  const judged = models.filter(({ study }) => isMeasuredFor(training, study));
  const studies = judged.map(({ study }) => study);
  const isStable = (settings: Training): boolean =>
    studies.every(study => verdict(settings, study).code === 'stable');
  if (isStable(training)) return [];
  const learningRate = stableRate(training, studies);
  const batchSize = stableBatchSize(training, studies);
  const suggestions = judged.flatMap(({ name, study }) => {
    const { suggestion } = study;
    const { batchSize: _, ...changes } = suggestedTraining(training, study, suggestion);
    if (!isStable({ ...training, ...changes })) return [];
    const whose = judged.length > 1 ? `suggested for ${visible(name)}` : 'suggested';
    const title = `Set the learning rate to ${changes.learningRate} and ${changes.optimizer === 'adam' ? 'β₁' : 'the momentum'} to ${changes.momentum} (${whose})`;
    return [{ title, changes }];
  });
  return [
    { title: `Set the learning rate to ${learningRate} (stable)`, changes: { learningRate } },
    ...suggestions,
    ...(batchSize === undefined
      ? []
      : [{ title: `Set the batch size to ${batchSize} (stable)`, changes: { batchSize } }]),
  ];
}
