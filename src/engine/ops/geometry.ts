import { type Attribute, intAttribute, intsAttribute, type Node, stringAttribute } from '../graph/graph';

/**
 * How a window slides over the spatial axes. Pads are explicit: `auto_pad` is resolved with the sizes at
 * hand.
 */
export interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
}

/** Extent of a dilated kernel. */
export const extent = (g: Geometry, i: number): number => (g.kernel[i] - 1) * g.dilations[i] + 1;

/**
 * The geometry of a convolution or pooling node from `input` to `output` spatial sizes. The end pads are
 * those that make the sizes agree, so that ceil_mode's last window and unread columns are accounted for.
 */
export function geometryOf(
  node: Node,
  kernel: readonly number[],
  input: readonly number[],
  output: readonly number[],
): Geometry {
  const rank = kernel.length;
  const ones = kernel.map(() => 1);
  const strides = intsAttribute(node, 'strides') ?? ones;
  const dilations = intsAttribute(node, 'dilations') ?? ones;
  const span = (i: number): number => (output[i] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1;
  const padsBegin = beginPads(node, rank, i => Math.max(span(i) - input[i], 0));
  return {
    kernel,
    strides,
    dilations,
    padsBegin,
    padsEnd: kernel.map((_, i) => span(i) - input[i] - padsBegin[i]),
  };
}

/** Pads before each axis; `total` is what SAME padding has to share out. */
export function beginPads(node: Node, rank: number, total: (i: number) => number): number[] {
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  const axes = Array.from({ length: rank }, (_, i) => i);
  if (auto === 'SAME_UPPER') return axes.map(i => Math.floor(total(i) / 2));
  if (auto === 'SAME_LOWER') return axes.map(i => Math.ceil(total(i) / 2));
  if (auto === 'VALID') return axes.map(() => 0);
  return axes.map(i => intsAttribute(node, 'pads')?.[i] ?? 0);
}

export const groupOf = (node: Node): number => intAttribute(node, 'group', 1);

/**
 * Attributes of a Conv with this geometry. Negative end pads (columns that no window reads) become 0: Conv
 * ignores the rest.
 */
export function convAttributes(g: Geometry, group: number): Record<string, Attribute> {
  return {
    kernel_shape: { ints: g.kernel },
    strides: { ints: g.strides },
    dilations: { ints: g.dilations },
    pads: { ints: [...g.padsBegin, ...g.padsEnd.map(p => Math.max(p, 0))] },
    group: { int: group },
  };
}

/**
 * Attributes of the ConvTranspose that is the adjoint of a Conv with this geometry over an input of size
 * `input`.
 */
export function adjointAttributes(
  g: Geometry,
  group: number,
  input: readonly number[],
  output: readonly number[],
): Record<string, Attribute> {
  const padsEnd = g.padsEnd.map(p => Math.max(p, 0));
  const made = (i: number): number =>
    (output[i] - 1) * g.strides[i] + extent(g, i) - g.padsBegin[i] - padsEnd[i];
  return {
    kernel_shape: { ints: g.kernel },
    strides: { ints: g.strides },
    dilations: { ints: g.dilations },
    pads: { ints: [...g.padsBegin, ...padsEnd] },
    output_padding: { ints: input.map((d, i) => d - made(i)) },
    group: { int: group },
  };
}
