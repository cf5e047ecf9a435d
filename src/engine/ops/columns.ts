import { intsAttribute } from '../graph/graph';
import { float32Tensor, numElements } from '../onnx/tensor';
import type { Canonical } from './canonicalForm';
import { reshape } from './emit';

/**
 * Columns [samples, channels · block, places] are added where their blocks lie in an image, as PyTorch's Fold does. That is a transposed
 * convolution of each channel whose kernels have a single one: element k of a column goes to element k of its block.
 */
export const Col2Im: Canonical = (b, at) => {
  if (!at.constant(1) || !at.constant(2)) return undefined;
  const [image, block] = [at.numbers(1), at.numbers(2)];
  const each = (name: string, value: number, count = block.length): readonly number[] =>
    intsAttribute(at.node, name) ?? Array<number>(count).fill(value);
  const [strides, dilations, pads] = [
    each('strides', 1),
    each('dilations', 1),
    each('pads', 0, 2 * block.length),
  ];
  // How far a block's last place lies from the end of the padded image.
  const room = image.map(
    (size, i) => size + pads[i] + pads[block.length + i] - (block[i] - 1) * dilations[i] - 1,
  );
  const places = room.map((r, i) => Math.floor(r / strides[i]) + 1);
  const [samples, columns] = at.shape(0) as [number, number];
  const elements = numElements(block);
  const kernels = new Float32Array(columns * elements);
  for (let column = 0; column < columns; column++) kernels[column * elements + (column % elements)] = 1;
  const laid = reshape(b, at.input(0), at.shape(0), [samples, columns, ...places]);
  return [
    b.add('ConvTranspose', [laid, b.constant(float32Tensor([columns, 1, ...block], kernels), 'ones')], {
      group: { int: columns / elements },
      kernel_shape: { ints: block },
      strides: { ints: strides },
      dilations: { ints: dilations },
      pads: { ints: pads },
      output_padding: { ints: room.map((r, i) => r % strides[i]) },
    }),
  ];
};
