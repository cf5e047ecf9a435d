import { CurvatureError } from '../errors';
import type { Types } from '../graph/builder';
import type { Graph, Node } from '../graph/graph';
import type { TensorType } from '../onnx/tensor';
import { declared, isDeclared } from './declared';
import { outputTypes } from './outputTypes';
import { cpuSession, type Feeds, Session } from './session';
import { typesInParts } from './settledTypes';

/**
 * Types of all tensors of a graph with bound input dimensions; its sequences and optional values have none. ONNX Runtime infers
 * them on creating a session whose outputs are all the values; nothing runs. What depends on data is found by one run over `sample`.
 * @param known types that hold for this graph, which are not asked for again
 */
export async function inferTypes(graph: Graph, sample?: Feeds, known: Types = new Map()): Promise<Types> {
  // Most graphs have all their shapes in the open; the others need the arithmetic of shapes from end to end.
  const inParts = await typesInParts(graph, known, confirmedTypes);
  return inParts.open === undefined ? inParts.types : inferWhole(graph, sample);
}

async function inferWhole(graph: Graph, sample?: Feeds): Promise<Types> {
  const types = new Map<string, TensorType>();
  for (const i of graph.inputs) types.set(i.name, { elemType: i.elemType, shape: i.shape as number[] });
  for (const [name, t] of graph.initializers) types.set(name, { elemType: t.elemType, shape: t.shape });
  const values = graph.nodes.flatMap(n => n.outputs).filter(o => o !== '');
  const large = [...graph.initializers].filter(([, t]) => isDeclared(t));
  const inferred = await confirmedTypes({
    ...graph,
    inputs: [...graph.inputs, ...large.map(([name, t]) => declared(name, t))],
    initializers: new Map([...graph.initializers].filter(([, t]) => !isDeclared(t))),
    outputs: values,
  });
  for (const [name, type] of inferred) if (type) types.set(name, type);
  const unknown = values.filter(v => inferred.has(v) && !types.has(v));
  if (unknown.length > 0) {
    if (!sample)
      throw new CurvatureError('model-unsupported', `The shape of "${unknown[0]}" depends on the data.`);
    const tapped = await Session.create(
      { ...graph, outputs: unknown },
      { ...cpuSession, optimize: false, plansMemory: false },
    );
    for (const [name, t] of Object.entries(await tapped.run(sample)))
      types.set(name, { elemType: t.elemType, shape: t.shape });
    await tapped.dispose();
  }
  return types;
}

/** Types of a graph's outputs, undefined where they are not known; what looks like a scalar is one. */
async function confirmedTypes(graph: Graph): Promise<Map<string, TensorType | undefined>> {
  const inferred = await outputTypes(graph);
  const scalars = await confirmedScalars(
    graph,
    [...inferred].flatMap(([name, t]) => (t?.shape.length === 0 ? [name] : [])),
  );
  return new Map(
    [...inferred].map(([name, t]) => [name, t?.shape.length === 0 && !scalars.has(name) ? undefined : t]),
  );
}

/**
 * ONNX Runtime gives scalars and values of unknown rank the same empty list of dimensions. The type of their Shape tells
 * them apart: it has 0 elements for a scalar, and a number of elements that is not known for the others.
 */
async function confirmedScalars(graph: Graph, candidates: readonly string[]): Promise<Set<string>> {
  if (candidates.length === 0) return new Set();
  const shapes = candidates.map((name, i): Node => {
    const output = `curvature/shape_${i}`;
    return {
      name: output,
      opType: 'Shape',
      domain: '',
      inputs: [name],
      outputs: [output],
      attributes: {},
      captures: [],
      scope: '',
    };
  });
  const outputs = shapes.map(n => n.outputs[0]);
  // With the others given out too, ONNX Runtime has no memory to plan, which would take long.
  const types = await outputTypes({
    ...graph,
    nodes: [...graph.nodes, ...shapes],
    outputs: [...graph.outputs, ...outputs],
  });
  return new Set(candidates.filter((_, i) => types.get(outputs[i])?.shape[0] === 0));
}
