import { CurvatureError } from '../errors';
import { numElements } from '../onnx/tensor';
import { Rng } from '../util/rng';
import { arrayConstructors, type DataArray, isElemType, isFloat } from './array';
import { type Dataset, makeDataset } from './dataset';

export interface SyntheticInput {
  readonly name: string;
  /** ONNX's name in lower case, such as `float32`. */
  readonly elemType: string;
  /** Axis 0 counts the samples. */
  readonly shape: readonly number[];
  /**
   * Integers are drawn from 0 … limit − 1; 2 by default, which suits masks and token types as well as ids.
   */
  readonly limit?: number;
}

/**
 * Seeded inputs for an analysis without data: standard normal floats, uniform integers and bools. Each input
 * has its own stream, so that adding one leaves the others as they are. Throws `model-unsupported` for types
 * that aren't numbers.
 */
export function syntheticDataset(inputs: readonly SyntheticInput[], samples: number, seed: number): Dataset {
  const arrays = new Map(inputs.map(input => [input.name, drawInput(input, samples, seed)]));
  return makeDataset(arrays, undefined, samples, [], []);
}

function drawInput(
  { name, elemType, shape, limit = 2 }: SyntheticInput,
  samples: number,
  seed: number,
): DataArray {
  if (!isElemType(elemType)) {
    throw new CurvatureError(
      'model-unsupported',
      `The model's input '${name}' is of type ${elemType}, which can't be made up.`,
    );
  }
  const random = Rng.of(seed, 'synthetic', name);
  const full = [samples, ...shape.slice(1)];
  const data = new arrayConstructors[elemType](numElements(full));
  const isBig = typeof data[0] === 'bigint';
  for (let i = 0; i < data.length; i++) {
    if (isFloat(elemType)) data[i] = random.normal();
    else data[i] = isBig ? BigInt(random.below(limit)) : random.below(limit);
  }
  return { name, dtype: elemType, shape: full, data };
}
