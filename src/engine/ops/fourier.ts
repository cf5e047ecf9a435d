import { intAttribute } from '../graph/graph';
import { float32Tensor, numElements, type Tensor } from '../onnx/tensor';
import type { Canonical } from './canonicalForm';
import { matmul, mul, reshape, transpose } from './emit';
import { normalizeAxis } from './rule';

/** Discrete Fourier transforms are products with a constant matrix. */

/** Larger matrices, of transforms longer than some 4,000 elements, would take more memory than the model. */
const MOST_NUMBERS = 1 << 26;

/** cos and sin of 2π jk/n; the product is reduced first, since it is exact and its angle is not. */
const turn = (j: number, k: number, n: number): [cos: number, sin: number] => {
  const angle = (2 * Math.PI * ((j * k) % n)) / n;
  return [Math.cos(angle), Math.sin(angle)];
};

/** Where the matrix [inputs · parts, outputs · parts] of a transform holds what an input gives to an output. */
function matrix(
  [rows, parts]: readonly [number, number],
  [columns, given]: readonly [number, number],
  entry: (row: number, part: number, column: number, result: number) => number,
): Tensor {
  const values = new Float32Array(rows * parts * columns * given);
  let i = 0;
  for (let r = 0; r < rows; r++)
    for (let p = 0; p < parts; p++)
      for (let c = 0; c < columns; c++) for (let g = 0; g < given; g++) values[i++] = entry(r, p, c, g);
  return float32Tensor([rows * parts, columns * given], values);
}

/** Real and imaginary parts lie along the last axis; an operand without imaginary parts has one entry there. */
export const DFT: Canonical = (b, at, version) => {
  const shape = at.shape(0);
  const [rank, parts] = [shape.length, shape[shape.length - 1]];
  const isInverse = intAttribute(at.node, 'inverse', 0) === 1;
  const isOneSided = intAttribute(at.node, 'onesided', 0) === 1;
  if ((at.has(1) && !at.constant(1)) || (at.has(2) && !at.constant(2))) return undefined;
  const byOperand = at.has(2) ? at.numbers(2)[0] : -2;
  const axis = normalizeAxis(version < 20 ? intAttribute(at.node, 'axis', 1) : byOperand, rank);
  const length = shape[axis];
  const isReal = isInverse && isOneSided;
  const n = at.has(1) ? at.numbers(1)[0] : isReal ? 2 * (length - 1) : length;
  const [columns, given] = [at.outShape()[axis], isReal ? 1 : 2];
  if (length * parts * columns * given > MOST_NUMBERS) return undefined;
  const sign = isInverse ? 1 : -1;
  const transform = matrix([length, parts], [columns, given], (j, part, k, result) => {
    // Longer operands are cut, shorter ones go on in zeros.
    if (j >= (isReal ? Math.floor(n / 2) + 1 : n)) return 0;
    const [cos, sin] = turn(j, k, n);
    const entry = part === result ? cos : part === 1 ? -sign * sin : sign * sin;
    // The half that a real signal's spectrum leaves out mirrors the other.
    const isMirrored = isReal && j > 0 && 2 * j !== n;
    return (entry * (isMirrored ? 2 : 1)) / (isInverse ? n : 1);
  });
  const others = shape.map((_, i) => i).filter(i => i !== axis && i !== rank - 1);
  const order = [...others, axis, rank - 1];
  const rest = others.map(i => shape[i]);
  const rows = reshape(
    b,
    transpose(b, at.input(0), order),
    order.map(i => shape[i]),
    [numElements(rest), length * parts],
  );
  const product = matmul(b, rows, b.constant(transform, 'fourier'));
  const laid = reshape(b, product, [numElements(rest), columns * given], [...rest, columns, given]);
  return [
    transpose(
      b,
      laid,
      shape.map((_, i) => order.indexOf(i)),
    ),
  ];
};

/** Transforms of frames of a real signal: a convolution whose kernels are the window's waves. */
export const STFT: Canonical = (b, at) => {
  const [samples, length, parts = 1] = at.shape(0) as [number, number, number?];
  const needed = [1, 3].filter(i => at.has(i));
  if (parts !== 1 || needed.some(i => !at.constant(i))) return undefined;
  const size = at.has(2) ? at.shape(2)[0] : at.has(3) ? at.numbers(3)[0] : length;
  const [, frames, columns] = at.outShape() as [number, number, number];
  if (2 * columns * size > MOST_NUMBERS) return undefined;
  const waves = matrix([columns, 2], [size, 1], (k, part, j) => {
    const [cos, sin] = turn(j, k, size);
    return part === 0 ? cos : -sin;
  });
  const waved = b.constant(waves, 'fourier');
  const kernels = at.has(2) ? mul(b, waved, at.input(2)) : waved;
  const found = b.add(
    'Conv',
    [
      reshape(b, at.input(0), at.shape(0), [samples, 1, length]),
      reshape(b, kernels, [2 * columns, size], [2 * columns, 1, size]),
    ],
    { kernel_shape: { ints: [size] }, strides: { ints: at.numbers(1) } },
  );
  const turned = transpose(b, found, [0, 2, 1]);
  return [reshape(b, turned, [samples, frames, 2 * columns], [samples, frames, columns, 2])];
};
