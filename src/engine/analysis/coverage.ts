import { CurvatureError } from '../errors';
import { type Node, reads } from '../graph/graph';
import { isFloat } from '../onnx/tensor';
import { opOf } from '../ops/table';
import {
  countParameters,
  type Coverage,
  type LayerCoverage,
  type OperatorCoverage,
  type Support,
} from '../report/coverage';
import type { Diagnostic } from '../report/schema';
import { type Model, openModel, requireLayers } from './model';
import { originOf } from './origin';
import { setUp, type SetUp } from './setUp';

/**
 * What an analysis of a model will measure, and how. The model is prepared for one made-up sample, or two where it can't run one; nothing is
 * differentiated or measured.
 * @throws CurvatureError for a model that an analysis would refuse
 */
export async function coverage(file: string): Promise<Coverage> {
  const model = openModel(file);
  requireLayers(model);
  const ready = await readyFor(model, 1).catch((alone: unknown) => {
    if (!(alone instanceof CurvatureError && alone.code === 'runtime-failed')) throw alone;
    // Some files leave the number of samples open, and hold shapes of the two that they were traced with.
    return readyFor(model, 2).catch(() => {
      throw alone;
    });
  });
  const layers = model.layers.map(({ name, initializer, size }): LayerCoverage => {
    const reason = ready.reasons.get(initializer);
    const method = ready.methods.get(initializer) ?? (ready.aside.has(initializer) ? 'aside' : 'none');
    return { name, method, parameters: size, ...(reason === undefined ? {} : { reason }) };
  });
  return {
    model: file,
    operators: countOperators(model.graph.nodes, ready),
    layers,
    parameters: countParameters(layers),
    complete: layers.every(l => l.method !== 'none'),
    diagnostics: [
      ...ready.diagnostics.filter(d => d.code !== 'synthetic-data'),
      ...layers.filter(l => l.method === 'none' || l.method === 'aside').map(notMeasured),
    ],
  };
}

const readyFor = (model: Model, samples: number): Promise<SetUp> =>
  setUp(model, { loss: 'auto', samples, batch: samples, seed: 0, executionProvider: 'cpu' });

const notMeasured = ({ name, method, reason }: LayerCoverage): Diagnostic => ({
  severity: 'info',
  code: 'not-reached',
  layer: name,
  message: `${name} ${method === 'aside' ? 'is not' : "can't be"} measured: ${reason}`,
});

/** The file's operators, most frequent first. */
function countOperators(nodes: readonly Node[], ready: SetUp): OperatorCoverage[] {
  const derived = byOrigin(nodes, ready.problem.prepared.graph.nodes);
  const counts = new Map<string, OperatorCoverage>();
  for (const node of nodes) {
    const { opType, domain } = node;
    const support = supportOf(node, derived.get(node.name) ?? [], ready);
    const key = [domain, opType, support].join(' ');
    counts.set(key, { opType, domain, support, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.opType < b.opType ? -1 : 1));
}

/** Prepared nodes by the node of the file that they stand for. */
function byOrigin(nodes: readonly Node[], prepared: readonly Node[]): Map<string, Node[]> {
  const names = new Set(nodes.map(n => n.name));
  const derived = new Map<string, Node[]>();
  for (const node of prepared) {
    const origin = originOf(node.name, names);
    const list = derived.get(origin);
    if (list) list.push(node);
    else derived.set(origin, [node]);
  }
  return derived;
}

/** The weakest support among the nodes that stand for a node of the file. One of which nothing is left is a constant. */
function supportOf(node: Node, derived: readonly Node[], ready: SetUp): Support {
  if (ready.unrunnable.has(node.name)) return 'none';
  if (derived.length === 0) {
    const op = opOf(node);
    return op === undefined || op === 'zero' ? 'zero' : 'exact';
  }
  const found = new Set(derived.map(n => preparedSupport(n, ready)));
  return (['differences', 'ggn', 'exact'] as const).find(s => found.has(s)) ?? 'zero';
}

function preparedSupport(node: Node, { shortfalls, problem }: SetUp): Support {
  const op = opOf(node);
  const { types } = problem.prepared;
  const isReal = (value: string): boolean => types.has(value) && isFloat(types.get(value)!.elemType);
  // Sequences have no type; those that are made of floats, or of sequences, pass them on.
  const passesOn = (value: string): boolean => isReal(value) || (value !== '' && !types.has(value));
  const isOnTheWay = node.outputs.some(isReal) || (node.outputs.some(passesOn) && reads(node).some(passesOn));
  if (op === 'zero' || !isOnTheWay) return 'zero';
  if (op === undefined) return 'differences';
  const order = shortfalls.get(node.name)?.order;
  return order === undefined ? 'exact' : order === 1 ? 'ggn' : 'differences';
}
