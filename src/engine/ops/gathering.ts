import type { GraphBuilder } from '../graph/builder';
import { intAttribute, stringAttribute } from '../graph/graph';
import { numElements } from '../onnx/tensor';
import { padZeros, perAxis } from './axes';
import { applied, linear } from './combinators';
import { cast, reshape, transpose, zeros } from './emit';
import { normalizeAxis, type Op, type Site } from './rule';

/** Operators that pick elements by index, and their adjoints that put them back. */

const Gather: Op = {
  linearity: 'linear',
  constantInputs: [1],
  jvp: (b, at, [t]) => [t ? applied(b, at, t) : null],
  vjp: (b, at, [g]) => {
    if (!g) return [null];
    const shape = at.shape(0);
    const axis = normalizeAxis(intAttribute(at.node, 'axis', 0), shape.length);
    const picked = numElements(at.shape(1));
    const flat = shape.map((d, i) => (i === axis ? picked : d));
    const rows = reshape(b, g, at.outShape(), flat);
    const constant = at.constant(1);
    if (picked === 1 && constant) {
      const index = normalizeAxis(Number(constant.data[0]), shape[axis]);
      return [
        padZeros(
          b,
          rows,
          perAxis(shape.length, axis, index),
          perAxis(shape.length, axis, shape[axis] - 1 - index),
        ),
        null,
      ];
    }
    const front = [axis, ...shape.map((_, i) => i).filter(i => i !== axis)];
    const back = shape.map((_, i) => front.indexOf(i));
    const base = zeros(
      b,
      front.map(i => shape[i]),
    );
    const indices = reshape(b, at.input(1), at.shape(1), [picked, 1]);
    const scattered = b.add('ScatterND', [base, cast(b, indices, 'int64'), transpose(b, rows, front)], {
      reduction: { string: 'add' },
    });
    return [transpose(b, scattered, back), null];
  },
};

/** Picks along one axis, an index for every element of the result. */
const GatherElements = linear((b, at, g) =>
  b.add('ScatterElements', [zeros(b, at.shape(0)), at.input(1), g], {
    axis: { int: intAttribute(at.node, 'axis', 0) },
    reduction: { string: 'add' },
  }),
);

const GatherND: Op = {
  ...linear((b, at, g) =>
    b.add('ScatterND', [zeros(b, at.shape(0)), at.input(1), g], { reduction: { string: 'add' } }),
  ),
};

/** Scatters add up where `reduction` says so, else replace; both are linear in data and updates together. */
function scatter(pick: (b: GraphBuilder, at: Site, g: string) => string): Op {
  return {
    linearity: 'linear',
    constantInputs: [1],
    covers: node => ['none', 'add'].includes(stringAttribute(node, 'reduction', 'none')),
    jvp: (b, at, [td, , tu]) => [
      b.add(
        at.node.opType,
        [td ?? zeros(b, at.shape(0)), at.input(1), tu ?? zeros(b, at.shape(2))],
        at.node.attributes,
      ),
    ],
    vjp: (b, at, [g], needs) => {
      const adds = stringAttribute(at.node, 'reduction', 'none') === 'add';
      const kept = adds
        ? g!
        : b.add(at.node.opType, [g!, at.input(1), zeros(b, at.shape(2))], at.node.attributes);
      return [needs[0] ? kept : null, null, needs[2] ? pick(b, at, g!) : null];
    },
  };
}

export const gathering: Record<string, Op> = {
  Gather,
  GatherElements,
  GatherND,
  ScatterND: scatter((b, at, g) => b.add('GatherND', [g, at.input(1)])),
  ScatterElements: scatter((b, at, g) =>
    b.add('GatherElements', [g, at.input(1)], { axis: { int: intAttribute(at.node, 'axis', 0) } }),
  ),
};
