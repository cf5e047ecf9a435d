import { numElements } from '../onnx/tensor';
import type { DataArray } from './array';
import { type Dataset, makeDataset } from './dataset';

/** A dataset of the samples at these places, in this order. */
export function pickSamples(dataset: Dataset, places: readonly number[]): Dataset {
  const picked = <T extends DataArray>(array: T): T => {
    const width = numElements(array.shape.slice(1));
    const data = array.data.slice(0, places.length * width);
    places.forEach((place, i) =>
      data.set(array.data.subarray(place * width, (place + 1) * width) as never, i * width),
    );
    return { ...array, shape: [places.length, ...array.shape.slice(1)], data };
  };
  const inputs = [...dataset.inputs].map(
    ([name, array]) => [name, array.sampleAxis === null ? array : picked(array)] as const,
  );
  const labels = dataset.labels && picked(dataset.labels);
  return makeDataset(new Map(inputs), labels, places.length, dataset.ignored, dataset.notes);
}
