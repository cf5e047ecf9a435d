import { appendFileSync, closeSync, existsSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import type { LinearOperator } from '../curvature/linearOperator';

/** What one file may take: of a matrix with many rows only the first products are kept, and the others are made again. */
const LIMIT = 2 * 2 ** 30;

/** The operator, whose products are appended to a file in float64; those that the file has already come from there. */
export function keptProducts(operator: LinearOperator, file: string): LinearOperator {
  const bytes = 8 * operator.size;
  const found = existsSync(file) ? Math.floor(statSync(file).size / bytes) : 0;
  // A process that was killed while it wrote leaves a part of a product, which is cut off.
  if (existsSync(file)) truncateSync(file, found * bytes);
  let asked = 0;
  return {
    size: operator.size,
    async apply(v) {
      const k = asked++;
      if (k < found) return readProduct(file, k, operator.size);
      const product = await operator.apply(v);
      if ((k + 1) * bytes <= LIMIT) appendFileSync(file, bytesOf(Float64Array.from(product)));
      return product;
    },
  };
}

function readProduct(file: string, k: number, size: number): Float64Array {
  const product = new Float64Array(size);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, bytesOf(product), 0, product.byteLength, k * product.byteLength);
  } finally {
    closeSync(descriptor);
  }
  return product;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
