import type { GraphBuilder } from '../../graph/builder';
import { type Attribute, floatAttribute, intAttribute, stringAttribute } from '../../graph/graph';
import type { Canonical } from '../canonicalForm';
import { add, matmul, scale, transposeLast } from '../emit';
import type { Site } from '../rule';

/** Products and convolutions with what ONNX Runtime's optimizer has drawn into them. */

export const FusedMatMul: Canonical = (b, at) => {
  if (['transBatchA', 'transBatchB'].some(name => intAttribute(at.node, name, 0) === 1)) return undefined;
  const operand = (i: number, flag: string): string => {
    const rank = at.shape(i).length;
    return rank > 1 && intAttribute(at.node, flag, 0) === 1
      ? transposeLast(b, at.input(i), rank)
      : at.input(i);
  };
  const product = matmul(b, operand(0, 'transA'), operand(1, 'transB'));
  return [scale(b, product, floatAttribute(at.node, 'alpha', 1))];
};

const ownAttributes = /^activation/;

const standardAttributes = (at: Site): Readonly<Record<string, Attribute>> =>
  Object.fromEntries(Object.entries(at.node.attributes).filter(([name]) => !ownAttributes.test(name)));

/** A function with up to two parameters, by its name; undefined where there is no standard operator of it. */
function activated(
  b: GraphBuilder,
  at: Site,
  x: string,
  parameter: (i: number) => number | undefined,
): string | undefined {
  const name = stringAttribute(at.node, 'activation', '');
  const settings = (...names: string[]): Record<string, Attribute> =>
    Object.fromEntries(
      names.flatMap((key, i) => {
        const float = parameter(i);
        return float === undefined ? [] : [[key, { float }]];
      }),
    );
  switch (name) {
    case '':
      return x;
    case 'Relu':
    case 'Sigmoid':
    case 'Tanh':
    case 'Softplus':
    case 'Softsign':
      return b.add(name, [x]);
    case 'LeakyRelu':
    case 'Elu':
      return b.add(name, [x], settings('alpha'));
    case 'HardSigmoid':
      return b.add(name, [x], settings('alpha', 'beta'));
    case 'Clip':
      return b.add(name, [x, b.scalar(parameter(0) ?? -Infinity), b.scalar(parameter(1) ?? Infinity)]);
    default:
      return undefined;
  }
}

const given = (at: Site, name: string): number | undefined =>
  name in at.node.attributes ? floatAttribute(at.node, name, 0) : undefined;

export const FusedGemm: Canonical = (b, at) => {
  const product = b.add('Gemm', at.node.inputs, standardAttributes(at));
  const y = activated(b, at, product, i => given(at, ['activation_alpha', 'activation_beta'][i]));
  return y === undefined ? undefined : [y];
};

/** activation(w ∗ x + b + z) */
export const FusedConv: Canonical = (b, at) => {
  const convolved = b.add('Conv', at.node.inputs.slice(0, at.has(2) ? 3 : 2), standardAttributes(at));
  const sum = at.has(3) ? add(b, convolved, at.input(3)) : convolved;
  const listed = at.node.attributes['activation_params'];
  const y = activated(b, at, sum, i => (listed && 'floats' in listed ? listed.floats[i] : undefined));
  return y === undefined ? undefined : [y];
};
