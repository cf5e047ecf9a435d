import type { Types } from '../graph/builder';
import { type Graph, intAttribute, type Node, reads } from '../graph/graph';
import { int64Tensor, isPacked, numElements, type Tensor } from '../onnx/tensor';
import { cpuSession, Session } from './session';

/** Constants larger than this are left to be computed in each run. */
const MAX_FOLDED = 1 << 20;

/**
 * Replaces what depends on neither data nor `parameters` by its value: with bound dimensions that is all
 * shape arithmetic, so that rules find axes, pads and slices as constants. ONNX Runtime computes the values.
 */
export async function foldConstants(
  graph: Graph,
  types: Types,
  parameters: ReadonlySet<string>,
): Promise<Graph> {
  const known = new Map<string, Tensor>();
  const constant = new Set([...graph.initializers.keys()].filter(name => !parameters.has(name)));
  const folded: Node[] = [];
  const rest: Node[] = [];
  for (const node of graph.nodes) {
    const shape = shapeValue(node, types);
    if (shape) {
      known.set(node.outputs[0], shape);
      constant.add(node.outputs[0]);
    } else if (isFoldable(node, types) && reads(node).every(v => constant.has(v))) {
      folded.push(node);
      for (const o of node.outputs) constant.add(o);
    } else {
      rest.push(node);
    }
  }
  const wanted = new Set([...rest.flatMap(reads), ...graph.outputs]);
  const outputs = folded.flatMap(n => n.outputs).filter(o => o !== '' && wanted.has(o));
  const initializers = new Map([...graph.initializers, ...known]);
  if (outputs.length > 0) {
    const used = new Set(folded.flatMap(reads));
    const session = await Session.create(
      {
        ...graph,
        inputs: [],
        outputs,
        nodes: folded,
        initializers: new Map([...initializers].filter(([name]) => used.has(name))),
      },
      { ...cpuSession, optimize: false, plansMemory: false, threads: 1 },
    );
    for (const [name, value] of Object.entries(await session.run({}))) initializers.set(name, value);
    await session.dispose();
  }
  return { ...graph, initializers, nodes: rest };
}

const random = /^(Random|Multinomial|Bernoulli)/;

/** A node whose value is settled by its inputs, small enough to keep, and with no subgraph. */
function isFoldable(node: Node, types: Types): boolean {
  if (random.test(node.opType) || node.captures.length > 0) return false;
  return node.outputs.every(o => {
    const type = types.get(o);
    if (o === '') return true;
    return type !== undefined && !isPacked(type.elemType) && numElements(type.shape) <= MAX_FOLDED;
  });
}

function shapeValue(node: Node, types: Types): Tensor | undefined {
  const type = types.get(node.inputs[0] ?? '');
  if (!type || node.domain !== '') return undefined;
  if (node.opType === 'Shape') {
    const start = intAttribute(node, 'start', 0);
    const end = intAttribute(node, 'end', type.shape.length);
    return int64Tensor(type.shape.slice(start, end));
  }
  if (node.opType === 'Size') return int64Tensor([numElements(type.shape)], []);
  return undefined;
}
