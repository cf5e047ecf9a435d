import type { Types } from '../graph/builder';
import type { Node } from '../graph/graph';
import { isFloat, type Tensor, type TensorType } from '../onnx/tensor';

/** Operators whose results' shapes hang on numbers that are no integers. */
const shapedByFloats = new Set(['Range', 'Resize', 'Upsample']);
/** An integer operand with more elements than this is data, such as a table of positions, or too long to be compared. */
const MAX_COMPARED = 64;

/**
 * What the types of a node's results follow from: the operator with its attributes, the types of its operands, and the values of
 * constants that are sizes or axes. Nodes of one graph with the same signature have results of the same types. Undefined where
 * that isn't sure: a subgraph, an operator of another domain, sizes that are computed, or an operand of no known type.
 */
export function signatureOf(
  node: Node,
  constants: ReadonlyMap<string, Tensor>,
  types: Types,
): string | undefined {
  if (node.domain !== '' || node.captures.length > 0 || shapedByFloats.has(node.opType)) return undefined;
  const attributes = Object.entries(node.attributes);
  if (attributes.some(([, a]) => 'tensor' in a || 'proto' in a)) return undefined;
  const operands: string[] = [];
  for (const name of node.inputs) {
    const type = types.get(name);
    if (type === undefined && name !== '') return undefined;
    const value = type && isSize(type) ? textOf(constants.get(name)) : '';
    if (value === undefined) return undefined;
    operands.push(type ? `${type.elemType}[${type.shape.join()}]${value}` : '');
  }
  const results = node.outputs.map(o => (o === '' ? '' : 'y')).join();
  return `${node.opType}(${operands.join(';')})${results}${attributes.length > 0 ? JSON.stringify(attributes) : ''}`;
}

/** Whether the operator may take its operand for sizes, axes or places. */
const isSize = ({ elemType, shape }: TensorType): boolean => !isFloat(elemType) && shape.length <= 1;

const textOf = (constant: Tensor | undefined): string | undefined =>
  constant && constant.data.length <= MAX_COMPARED ? `=${constant.data.join()}` : undefined;
