import { CurvatureError } from '../errors';
import { numElements } from '../onnx/tensor';
import { Rng } from '../util/rng';
import { arrayConstructors, type InputArray, isElemType, type SampleAxis } from './array';
import { type Dataset, makeDataset } from './dataset';
import type { Fill } from './roles';

export interface SyntheticInput {
  readonly name: string;
  /** ONNX's name in lower case, such as `float32`. */
  readonly elemType: string;
  /** Of one sample, as the model takes it. */
  readonly shape: readonly number[];
  readonly sampleAxis: SampleAxis;
  readonly fill: Fill;
}

/**
 * Seeded inputs for an analysis without data. Each input has its own stream, so that adding one leaves the others as they
 * are. Throws `model-unsupported` for types that aren't numbers.
 */
export function syntheticDataset(inputs: readonly SyntheticInput[], samples: number, seed: number): Dataset {
  const arrays = new Map(inputs.map(input => [input.name, fillInput(input, samples, seed)]));
  return makeDataset(arrays, undefined, samples, [], []);
}

function fillInput(
  { name, elemType, shape, sampleAxis, fill }: SyntheticInput,
  samples: number,
  seed: number,
): InputArray {
  if (!isElemType(elemType)) {
    throw new CurvatureError(
      'model-unsupported',
      `The model's input '${name}' is of type ${elemType}, which can't be made up.`,
    );
  }
  const full =
    sampleAxis === null ? [...shape] : [samples, ...shape.filter((_, axis) => axis !== sampleAxis)];
  const data = new arrayConstructors[elemType](numElements(full));
  const valueAt = values(fill, Rng.of(seed, 'synthetic', name), full.at(-1) ?? 1);
  const isBig = typeof data[0] === 'bigint';
  for (let i = 0; i < data.length; i++) data[i] = isBig ? BigInt(valueAt(i)) : valueAt(i);
  return { name, dtype: elemType, shape: full, data, sampleAxis };
}

function values(fill: Fill, random: Rng, length: number): (i: number) => number {
  switch (fill.kind) {
    case 'normal':
      return () => random.normal();
    case 'uniform':
      return () => random.uniform();
    case 'below': {
      const { limit, last } = fill;
      if (last === undefined) return () => random.below(limit);
      return i => (i % length === length - 1 ? last : (last + 1 + random.below(limit - 1)) % limit);
    }
    case 'constant':
      return () => fill.value;
    case 'positions':
      return i => i % length;
  }
}
