import type { GraphBuilder } from '../graph/builder';
import { type Attribute, intsAttribute, stringAttribute } from '../graph/graph';
import { float32Tensor } from '../onnx/tensor';
import type { Canonical } from './canonicalForm';
import { linear } from './combinators';
import { matmul, transpose } from './emit';
import { normalizeAxis, type Op, type Site } from './rule';

/**
 * Interpolation is linear in the data and works along one axis at a time. The weights along an axis, which depend on many
 * attributes, are asked of the operator itself: they are what it makes of the unit vectors.
 */
const Resize: Op = {
  ...linear((b, at, g) => {
    let result = g;
    const shape = [...at.outShape()];
    for (const resized of resizedAxes(at)) {
      const { axis } = resized;
      const length = at.shape(0)[axis];
      const weights = unitVectorsResized(b, at, length, shape[axis], resized);
      const last = shape.map((_, i) => i).filter(i => i !== axis);
      const there = [...last, axis];
      const back = shape.map((_, i) => there.indexOf(i));
      result = transpose(b, matmul(b, transpose(b, result, there), weights), back);
      shape[axis] = length;
    }
    return result;
  }),
  jvp: (b, at, [t]) => [t && b.add('Resize', [t, ...at.node.inputs.slice(1)], linearAttributes(at))],
  covers: node => stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch') === 'stretch',
};

interface ResizedAxis {
  readonly axis: number;
  /** The scale that was given, undefined where sizes were. */
  readonly scale: number | undefined;
  /** The part of the axis that is looked at, in shares of its length. */
  readonly region: readonly [start: number, end: number];
}

/** What is put outside the data is no part of a derivative. */
function linearAttributes(at: Site): Readonly<Record<string, Attribute>> {
  const { extrapolation_value: _value, ...rest } = at.node.attributes;
  return rest;
}

/** The axes whose length or grid changes. */
function resizedAxes(at: Site): ResizedAxis[] {
  const rank = at.shape(0).length;
  const axes = (intsAttribute(at.node, 'axes') ?? at.shape(0).map((_, i) => i)).map(a =>
    normalizeAxis(a, rank),
  );
  const scales = at.constant(2)?.data.length ? at.numbers(2) : undefined;
  const isCropped =
    stringAttribute(at.node, 'coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize';
  const regions = isCropped ? at.numbers(1) : [];
  return axes
    .map((axis, i) => ({
      axis,
      scale: scales?.[i],
      region: [regions[i] ?? 0, regions[axes.length + i] ?? 1] as const,
    }))
    .filter(
      ({ axis, scale, region: [start, end] }) =>
        start !== 0 ||
        end !== 1 ||
        (scale === undefined ? at.outShape()[axis] !== at.shape(0)[axis] : scale !== 1),
    );
}

/** [count, length]: row o holds the weights of the input's elements in output o. */
function unitVectorsResized(
  b: GraphBuilder,
  at: Site,
  length: number,
  count: number,
  { scale, region: [start, end] }: ResizedAxis,
): string {
  const identity = new Float32Array(length * length);
  for (let i = 0; i < length; i++) identity[i * length + i] = 1;
  const image = b.constant(float32Tensor([1, 1, length, length], identity), `unitVectors_${length}`);
  const { axes: _axes, ...attributes } = linearAttributes(at);
  const isWhole = start === 0 && end === 1;
  const roi = isWhole ? '' : b.constant(float32Tensor([8], [0, 0, 0, start, 1, 1, 1, end]));
  const resized =
    scale === undefined
      ? b.add('Resize', [image, roi, '', b.ints([1, 1, length, count])], attributes)
      : b.add('Resize', [image, roi, b.constant(float32Tensor([4], [1, 1, 1, scale]))], attributes);
  const matrix = b.add('Reshape', [resized, b.ints([length, count])]);
  return transpose(b, matrix, [1, 0]);
}

export const resizing: Record<string, Op> = { Resize };

const OLD_GRID: Readonly<Record<string, Attribute>> = {
  coordinate_transformation_mode: { string: 'asymmetric' },
  nearest_mode: { string: 'floor' },
};

/** Resize of opset 10 and Upsample before it: one grid, and no region of interest. */
export const oldResize: Canonical = (b, at, version) => {
  if (at.node.opType === 'Resize' && version >= 11) return undefined;
  const listed = at.node.attributes['scales'];
  const scales =
    listed && 'floats' in listed
      ? b.constant(float32Tensor([listed.floats.length], listed.floats))
      : at.input(1);
  return [
    b.add('Resize', [at.input(0), '', scales], {
      ...OLD_GRID,
      mode: { string: stringAttribute(at.node, 'mode', 'nearest') },
    }),
  ];
};
