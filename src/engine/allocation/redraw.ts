import { Rng } from '../util/rng';
import { type AllocationProblem } from './problem';

/** Whether any sensitivity is an estimate. */
export const hasErrors = ({ layers }: AllocationProblem): boolean =>
  layers.some(({ choices }) => choices.some(({ stderr }) => (stderr ?? 0) > 0));

/**
 * The problem with sensitivities as another measurement could have found them.
 *
 * An estimate is a mean over many probes, so its error is normal; below zero counts as zero, as it does in Ω. One
 * draw serves all widths of a layer, since their errors are that of the one trace.
 */
export function redraw(problem: AllocationProblem, seed: number, draw: number): AllocationProblem {
  const random = Rng.of(seed, 'stability', draw);
  const layers = problem.layers.map(layer => {
    const error = random.normal();
    const choices = layer.choices.map(choice => {
      if (!choice.stderr) return choice;
      const least = Math.min(0, choice.sensitivity);
      return { ...choice, sensitivity: Math.max(least, choice.sensitivity + choice.stderr * error) };
    });
    const at = layer.choices.findIndex(({ sensitivity }) => sensitivity > 0);
    const change = at < 0 ? 1 : choices[at].sensitivity / layer.choices[at].sensitivity;
    return {
      ...layer,
      choices,
      ...(layer.averageTrace === undefined ? {} : { averageTrace: layer.averageTrace * change }),
    };
  });
  return { ...problem, layers };
}
