import type { Graph, ValueInfo } from '../graph/graph';
import { dependents } from '../graph/topology';
import { isFloat } from '../onnx/tensor';
import type { SampleAxis } from './array';
import { isBatchName, sampleAxes } from './sampleAxes';
import { picksRows, uses } from './uses';

/** The axis of each input of a model that counts the samples; `whole` for all where they are one sample together. */
export function sampleAxesOf(graph: Graph): ReadonlyMap<string, SampleAxis> {
  const { inputs } = graph;
  return isWhole(graph) ? new Map(inputs.map(({ name }) => [name, 'whole'])) : sampleAxes(inputs);
}

/**
 * Whether the rows of the inputs are no samples, since the model mixes them: indices in one input pick among the rows of another, of which
 * there is another number, as edges do among nodes; or a square matrix is multiplied by them, as that of a graph's neighbours is.
 */
function isWhole(graph: Graph): boolean {
  const { inputs } = graph;
  if (inputs.length < 2 || inputs.some(({ shape }) => shape.some(isBatchName))) return false;
  return inputs.some(i => (isFloat(i.elemType) ? multipliesRows(i, graph) : indexesRows(i, graph)));
}

function indexesRows({ name, shape }: ValueInfo, graph: Graph): boolean {
  const picking = uses(name, graph).filter(picksRows);
  if (picking.length === 0) return false;
  const others = graph.inputs.filter(
    i => isFloat(i.elemType) && i.shape.length > 0 && i.shape[0] !== shape[0],
  );
  const reached = valuesOf(
    others.map(i => i.name),
    graph,
  );
  return picking.some(({ node }) => node.inputs.some((v, operand) => operand !== 1 && reached.has(v)));
}

/** Whether an input is a square matrix that the rows of another input are multiplied by. */
export function multipliesRows({ name, shape }: ValueInfo, graph: Graph): boolean {
  const [rows, columns] = shape;
  if (shape.length !== 2 || rows === null || rows === 1 || rows !== columns) return false;
  const others = graph.inputs.filter(i => i.name !== name && isFloat(i.elemType) && i.shape[0] === rows);
  const factors = dependents(graph.nodes, [name], n => pointwise.has(n.opType));
  const reached = valuesOf(
    others.map(i => i.name),
    graph,
  );
  return graph.nodes.some(
    ({ opType, inputs: [a, b] }) =>
      (opType === 'MatMul' || opType === 'Gemm') && factors.has(a) && reached.has(b),
  );
}

/** What is done to a matrix of neighbours before it is multiplied by: its rows are divided by their sums, say. */
const pointwise = new Set(['Identity', 'Cast', 'Add', 'Sub', 'Mul', 'Div', 'Pow', 'Sqrt', 'Transpose']);

/** What is computed from the numbers of these inputs, rather than from their shapes. */
const valuesOf = (inputs: readonly string[], { nodes }: Graph): Set<string> =>
  dependents(nodes, inputs, n => n.opType !== 'Shape' && n.opType !== 'Size');
