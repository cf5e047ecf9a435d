import type { Tensor } from '../onnx/tensor';
import type { Layer } from './layers';

/** Two layers that hold the same values: one weight that the exporter has written twice. */
export interface Copy {
  readonly original: Layer;
  readonly copy: Layer;
  readonly isTransposed: boolean;
}

/** Finds weights that are equal, or equal to another's transpose. Linear in the number of weights. */
export function findCopies(layers: readonly Layer[], initializers: ReadonlyMap<string, Tensor>): Copy[] {
  const bySize = new Map<number, Layer[]>();
  for (const layer of layers) bySize.set(layer.size, [...(bySize.get(layer.size) ?? []), layer]);
  const bitsOf = (layer: Layer): Uint32Array => {
    const { data } = initializers.get(layer.initializer)!;
    return new Uint32Array(data.buffer, data.byteOffset, data.length);
  };
  const copies: Copy[] = [];
  for (const group of bySize.values()) {
    if (group.length < 2) continue;
    const originals = new Map<string, Layer>();
    for (const layer of group) {
      const bits = bitsOf(layer);
      // Fresh weights of one value are equal by chance.
      if (bits.every(b => b === bits[0])) continue;
      const sum = checksum(bits);
      const original = originals.get(sum);
      if (!original) originals.set(sum, layer);
      else copies.push(...compare(original, layer, bitsOf(original), bits));
    }
  }
  return copies;
}

/** Does not depend on the order of the values. */
function checksum(bits: Uint32Array): string {
  let [sum, parity] = [0, 0];
  for (let i = 0; i < bits.length; i++) {
    sum = (sum + bits[i]) | 0;
    parity ^= bits[i];
  }
  return `${sum} ${parity}`;
}

function compare(original: Layer, copy: Layer, a: Uint32Array, b: Uint32Array): Copy[] {
  if (original.shape.join() === copy.shape.join() && a.every((bits, i) => bits === b[i]))
    return [{ original, copy, isTransposed: false }];
  const [rows, columns] = original.shape;
  const isTransposed =
    original.shape.length === 2 &&
    copy.shape.join() === [columns, rows].join() &&
    a.every((bits, i) => bits === b[(i % columns) * rows + Math.floor(i / columns)]);
  return isTransposed ? [{ original, copy, isTransposed }] : [];
}
