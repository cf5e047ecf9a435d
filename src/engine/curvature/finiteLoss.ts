import { CurvatureError } from '../errors';

/**
 * @param where in which the loss was found, such as `in batch 2`
 * @throws CurvatureError `not-finite` where the loss is NaN or infinite
 */
export function requireFiniteLoss(loss: number, where: string): void {
  if (Number.isFinite(loss)) return;
  throw new CurvatureError(
    'not-finite',
    `The loss became ${loss} ${where}.`,
    'Look for inputs out of the range the model was trained on, or weights so large that float32 overflows.',
  );
}
