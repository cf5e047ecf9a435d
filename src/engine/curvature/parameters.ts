import type { Graph, Node } from '../graph/graph';
import { isFloat, type Tensor } from '../onnx/tensor';
import { isDifferentiable, opOf } from '../ops/table';
import { findSettings } from './settings';

export interface Parameter {
  /** The initializer, or the output of the Constant node that holds it. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
}

/** Operators whose second and later operands are trained even where they have a single element. */
const withBias = new Set([
  'Conv',
  'ConvTranspose',
  'Gemm',
  'BatchNormalization',
  'LayerNormalization',
  'InstanceNormalization',
  'PRelu',
]);

/**
 * The model's parameters: float constants of two or more elements that an operator can be differentiated by, in the
 * file's order. Single numbers count only as the operand of a layer; elsewhere they are settings such as √2, and so are
 * larger constants that are plainly no weights.
 */
export function findParameters(graph: Graph): Parameter[] {
  const trained = new Set<string>();
  const settings = findSettings(graph);
  for (const node of graph.nodes) {
    node.inputs.forEach((name, i) => {
      const tensor = graph.initializers.get(name);
      if (tensor && isParameter(tensor, node, i)) trained.add(name);
    });
    // What branches and loop bodies read has no derivative rule: it is measured by running the model.
    for (const name of node.captures) {
      const tensor = graph.initializers.get(name);
      if (tensor && isFloat(tensor.elemType) && tensor.data.length >= 2) trained.add(name);
    }
  }
  return [...graph.initializers]
    .filter(([name]) => trained.has(name) && !settings.has(name))
    .map(([name, t]) => ({ name, shape: t.shape, size: t.data.length }));
}

function isParameter(tensor: Tensor, node: Node, i: number): boolean {
  if (!isFloat(tensor.elemType)) return false;
  const carries = opOf(node) === undefined || isDifferentiable(node, i);
  const isOperandOfLayer = tensor.shape.length > 0 && i > 0 && withBias.has(node.opType);
  return carries && (tensor.data.length >= 2 || isOperandOfLayer);
}
