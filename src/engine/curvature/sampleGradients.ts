import type { Layer } from './layers';
import type { Parameter } from './parameters';
import type { Problem } from './problem';
import { Gradients } from './products';

/**
 * The gradient of each sample's own loss by one layer's weight, in float32, one row a sample.
 * @param problem with one sample to a run
 */
export async function sampleGradients(
  problem: Problem,
  { initializer: name, shape, size }: Layer,
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const parameter: Parameter = { name, shape, size };
  const gradients = await Gradients.create(problem, [parameter], signal);
  const { samples } = problem.dataset;
  const rows: Float32Array[] = [];
  try {
    // The part of the mean loss is 1/N of the sample's own.
    for await (const { gradient } of gradients.parts(problem))
      rows.push(gradient(name).map(x => samples * x));
  } finally {
    await gradients.dispose();
  }
  return rows;
}
