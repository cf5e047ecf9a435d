import type { GraphBuilder } from '../graph/builder';
import { expand, reduceSum, reshape, sumDerivatives, transpose } from './emit';
import {
  adjointAttributes,
  beginPads,
  convAttributes,
  extent,
  type Geometry,
  geometryOf,
  groupOf,
} from './geometry';
import { byWeightTangent, correlated, type Correlation, weightCotangent } from './outerProducts';
import type { Op, Site } from './rule';

/** y = w ∗ x + b over 1 to 3 spatial axes; x [N, C, …], w [O, C/group, …]. */
const Conv: Op = {
  linearity: 'multilinear',
  jvp: (b, at, tangents) => {
    // A flipped kernel is laid out in blocks as it is flipped.
    const isFlipped = b.makerOf(at.input(1))?.opType === 'Transpose';
    const asProduct = (tw: string): string | undefined =>
      byWeightTangent(b, shapesOf(at), tw, convGeometry(at), groupOf(at.node));
    return [convolutionTangent(b, at, tangents, isFlipped ? undefined : asProduct)];
  },
  vjp: (b, at, [g], needs) => {
    const geometry = convGeometry(at);
    const group = groupOf(at.node);
    return [
      needs[0] ? inputCotangent(b, at, g!, geometry, group) : null,
      needs[1] ? weightCotangent(b, convOuterProducts(b, at, g!), at.shape(1)) : null,
      needs[2] ? biasCotangent(b, g!, at.outShape()) : null,
    ];
  },
};

/** The adjoint of a convolution in x; x [N, C, …], w [C, O/group, …]. */
const ConvTranspose: Op = {
  linearity: 'multilinear',
  jvp: (b, at, tangents) => [convolutionTangent(b, at, tangents)],
  vjp: (b, at, [g], needs) => [
    needs[0]
      ? b.add('Conv', [g!, at.input(1)], convAttributes(transposedGeometry(at), groupOf(at.node)))
      : null,
    needs[1] ? weightCotangent(b, convTransposeOuterProducts(b, at, g!), at.shape(1)) : null,
    needs[2] ? biasCotangent(b, g!, at.outShape()) : null,
  ],
};

export const convolution: Record<string, Op> = { Conv, ConvTranspose };

/** @param asProduct the part of the weight's tangent in another form, where it has one */
function convolutionTangent(
  b: GraphBuilder,
  at: Site,
  [tx, tw, tb]: readonly (string | null)[],
  asProduct?: (tw: string) => string | undefined,
): string | null {
  const { opType, attributes } = at.node;
  const product = tw ? asProduct?.(tw) : undefined;
  const isBiasApart = product !== undefined || (!tw && !tx);
  const bias = tb && !isBiasApart ? [tb] : [];
  const byWeight = product ?? (tw ? b.add(opType, [at.input(0), tw, ...bias], attributes) : null);
  const byInput = tx ? b.add(opType, [tx, at.input(1), ...(tw ? [] : bias)], attributes) : null;
  return sumDerivatives(b, [byInput, byWeight, tb && isBiasApart ? biasTangent(b, at, tb) : null]);
}

function biasTangent(b: GraphBuilder, at: Site, tb: string): string {
  const [, channels, ...rest] = at.outShape();
  const column = [1, channels, ...rest.map(() => 1)];
  return expand(b, reshape(b, tb, [channels], column), column, at.outShape());
}

const spatial = (shape: readonly number[]): readonly number[] => shape.slice(2);

const convGeometry = (at: Site): Geometry =>
  geometryOf(at.node, spatial(at.shape(1)), spatial(at.shape(0)), spatial(at.outShape()));

/** The geometry of the Conv that this ConvTranspose is the adjoint of: from its output to its input. */
function transposedGeometry(at: Site): Geometry {
  const [small, large] = [spatial(at.shape(0)), spatial(at.outShape())];
  const geometry = geometryOf(at.node, spatial(at.shape(1)), large, small);
  // ONNX gives SAME_LOWER's odd pad to the other end here than it does for Conv.
  const padsBegin = beginPads(at.node, small.length, i =>
    Math.max(geometry.padsBegin[i] + geometry.padsEnd[i], 0),
  );
  return { ...geometry, padsBegin };
}

const biasCotangent = (b: GraphBuilder, g: string, shape: readonly number[]): string =>
  reduceSum(
    b,
    g,
    shape.map((_, i) => i).filter(i => i !== 1),
    false,
  );

function inputCotangent(b: GraphBuilder, at: Site, g: string, geometry: Geometry, group: number): string {
  const pads = geometry.kernel.map((_, i) => ({
    begin: extent(geometry, i) - 1 - geometry.padsBegin[i],
    end: extent(geometry, i) - 1 - geometry.padsEnd[i],
  }));
  const isPlain = geometry.strides.every(s => s === 1) && pads.every(p => p.begin >= 0 && p.end >= 0);
  if (!isPlain) {
    const attributes = adjointAttributes(geometry, group, spatial(at.shape(0)), spatial(at.outShape()));
    return b.add('ConvTranspose', [g, at.input(1)], attributes);
  }
  // At stride 1 a Conv with the flipped kernel does the same and runs up to twice as fast as ConvTranspose.
  const flipped: Geometry = { ...geometry, padsBegin: pads.map(p => p.begin), padsEnd: pads.map(p => p.end) };
  return b.add('Conv', [g, flipKernel(b, at.input(1), at.shape(1), group)], convAttributes(flipped, group));
}

/** w [O, C/group, …] → [C, O/group, …] with the spatial axes reversed. */
function flipKernel(b: GraphBuilder, w: string, shape: readonly number[], group: number): string {
  const [outputs, perGroup, ...kernel] = shape as [number, number, ...number[]];
  const axes = kernel.map((_, i) => i + 2).filter(i => shape[i] > 1);
  const far = Number.MIN_SAFE_INTEGER;
  const reversed =
    axes.length === 0
      ? w
      : b.add('Slice', [
          w,
          b.ints(axes.map(() => -1)),
          b.ints(axes.map(() => far)),
          b.ints(axes),
          b.ints(axes.map(() => -1)),
        ]);
  const grouped = [group, outputs / group, perGroup, ...kernel];
  const swapped = [group, perGroup, outputs / group, ...kernel];
  const perm = [0, 2, 1, ...kernel.map((_, i) => i + 3)];
  if (group === 1) return transpose(b, reversed, [1, 0, ...kernel.map((_, i) => i + 2)]);
  const exchanged = transpose(b, reshape(b, reversed, shape, grouped), perm);
  return reshape(b, exchanged, swapped, [group * perGroup, outputs / group, ...kernel]);
}

const shapesOf = (at: Site): { x: string; xShape: readonly number[]; gShape: readonly number[] } => ({
  x: at.input(0),
  xShape: at.shape(0),
  gShape: at.outShape(),
});

/** The outer products of a Conv's weight [O, C/group, …]. */
export const convOuterProducts = (b: GraphBuilder, at: Site, g: string): Correlation =>
  correlated(b, { ...shapesOf(at), g }, convGeometry(at), groupOf(at.node));

/** Of a ConvTranspose's weight [C, O/group, …]; input and output change roles. */
export const convTransposeOuterProducts = (b: GraphBuilder, at: Site, g: string): Correlation =>
  correlated(
    b,
    { x: g, xShape: at.outShape(), g: at.input(0), gShape: at.shape(0) },
    transposedGeometry(at),
    groupOf(at.node),
  );
