import type { TrainingNodes } from '../graph/inferenceForm';
import type { Diagnostic } from '../report/schema';

/** Tells of nodes that the file has as in training. */
export function trainingDiagnostics(training: TrainingNodes): Diagnostic[] {
  if (training.size === 0) return [];
  const found = [...training].map(([opType, nodes]) => `${opType} (${nodes.length})`).join(', ');
  const [first] = [...training.values()].flat();
  return [
    {
      severity: 'warning',
      code: 'training-form',
      node: first,
      message:
        `The file was exported as in training: ${found}. It is measured as at inference, without Dropout and with running statistics; ` +
        'whoever runs the file as it is gets other, random outputs. Export it again after model.eval().',
    },
  ];
}
