import { type Node, qualifiedOpType } from '../graph/graph';
import { arithmetic } from './arithmetic';
import { convolution } from './convolution';
import { elementwise } from './elementwise';
import { gathering } from './gathering';
import { linalg } from './linalg';
import { movement } from './movement';
import { normalization } from './normalization';
import { pool } from './pool';
import { quantizing } from './quantizing';
import { reductions } from './reduction';
import { resizing } from './resizing';
import { slicing } from './slicing';
import { trigonometry } from './trigonometry';
import type { Op, OpRule } from './rule';

/** Zero by definition: piecewise constant results, shapes, indices and random numbers. */
const zero: readonly string[] = [
  'And',
  'ArgMax',
  'ArgMin',
  'Bernoulli',
  'BitShift',
  'BitwiseAnd',
  'BitwiseNot',
  'BitwiseOr',
  'BitwiseXor',
  'BlackmanWindow',
  'Ceil',
  'ConstantOfShape',
  'Equal',
  'EyeLike',
  'Floor',
  'Greater',
  'GreaterOrEqual',
  'HammingWindow',
  'HannWindow',
  'Hardmax',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'MelWeightMatrix',
  'Multinomial',
  'NonMaxSuppression',
  'NonZero',
  'Not',
  'OneHot',
  'Or',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Range',
  'Round',
  'Shape',
  'Sign',
  'Size',
  'Xor',
];

/** Every operator that this engine can differentiate, by its name, with its domain where that isn't the standard one. */
export const ops: Readonly<Record<string, Op>> = {
  ...elementwise,
  ...trigonometry,
  ...arithmetic,
  ...linalg,
  ...convolution,
  ...pool,
  ...normalization,
  ...movement,
  ...slicing,
  ...resizing,
  ...gathering,
  ...reductions,
  ...quantizing,
  ...Object.fromEntries(zero.map(name => [name, 'zero' as const])),
};

export function opOf(node: Node): Op | undefined {
  const name = qualifiedOpType(node);
  if (!Object.hasOwn(ops, name)) return undefined;
  const op = ops[name];
  return op === 'zero' || (op.covers?.(node) ?? true) ? op : undefined;
}

export function ruleOf(node: Node): OpRule | undefined {
  const op = opOf(node);
  return op === 'zero' ? undefined : op;
}

/** Whether an input of a node can carry a derivative. */
export const isDifferentiable = (node: Node, i: number): boolean => {
  const rule = ruleOf(node);
  return rule !== undefined && !rule.constantInputs?.includes(i);
};
