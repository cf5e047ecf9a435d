import { prune } from '../graph/topology';
import { activationFormGraph, activationProbe } from './activationFormGraph';
import { activationNormGraph } from './activationNormGraph';
import { gradientNormGraph, type NormsGraph } from './gradientNormGraph';
import type { Layer } from './layers';
import type { Parameter } from './parameters';
import type { Problem } from './problem';
import { fisherGraph, gvpGraph, hvpGraph, hvpName, tangentName } from './productGraphs';
import { type FormKind, probeInput, quadraticFormGraph } from './quadraticFormGraph';
import { planRuns, type RunPlan } from './tangentRuns';

/** The graphs that an analysis runs. Each is made once for a problem: what its memory is predicted from is what runs. */
const made = new WeakMap<Problem, Map<string, unknown>>();

function once<T>(problem: Problem, name: string, make: () => T): T {
  const graphs = made.get(problem) ?? new Map<string, unknown>();
  made.set(problem, graphs);
  if (!graphs.has(name)) graphs.set(name, make());
  return graphs.get(name) as T;
}

/** Hv over the parameters, without the loss and the gradient. */
export const hessianRuns = (problem: Problem, parameters: readonly Parameter[]): Promise<RunPlan> =>
  once(problem, `hvp ${JSON.stringify(parameters.map(p => p.name))}`, async () => {
    const whole = await hvpGraph(problem.prepared, problem.loss, 'weighted', parameters);
    const graph = prune(
      whole,
      parameters.map(p => hvpName(p.name)),
    );
    return planRuns(problem, graph, tangentsOf(parameters));
  });

/** Gv over the parameters. */
export const gaussNewtonRuns = (problem: Problem, parameters: readonly Parameter[]): Promise<RunPlan> =>
  once(problem, `gvp ${JSON.stringify(parameters.map(p => p.name))}`, async () =>
    planRuns(problem, await gvpGraph(problem.prepared, problem.loss, parameters), tangentsOf(parameters)),
  );

/** The product with the empirical Fisher matrix, over the number of samples. */
export const fisherRuns = (problem: Problem, parameters: readonly Parameter[]): Promise<RunPlan> =>
  once(problem, `fvp ${JSON.stringify(parameters.map(p => p.name))}`, async () =>
    planRuns(problem, await fisherGraph(problem.prepared, problem.loss, parameters), tangentsOf(parameters)),
  );

/** Forms of each layer for so many probes. */
export const formsRuns = (
  problem: Problem,
  layers: readonly Layer[],
  kind: FormKind,
  probes: number,
): Promise<RunPlan> =>
  once(problem, `forms ${kind} ${probes} ${namesOf(layers)}`, async () => {
    const graph = await quadraticFormGraph(problem.prepared, problem.loss, layers, kind, probes);
    const inputs = Array.from({ length: probes }, (_, k) => layers.map(layer => probeInput(layer, k)));
    return planRuns(problem, graph, new Set(inputs.flat()));
  });

/** Norms per sample wherever the graph allows it; a trial tells later which layers must be taken together. */
export const normsGraph = (problem: Problem, layers: readonly Layer[]): NormsGraph =>
  once(problem, `norms ${namesOf(layers)}`, () =>
    gradientNormGraph(problem.prepared, problem.loss, layers, new Set()),
  );

/** Norms of the cotangents of values. */
export const activationNormsGraph = (problem: Problem, values: readonly string[]): NormsGraph =>
  once(problem, `activations ${JSON.stringify(values)}`, () =>
    activationNormGraph(problem.prepared, problem.loss, values, new Set()),
  );

/** vᵀHv for so many probes of a value. */
export const activationFormsRuns = (problem: Problem, value: string, probes: number): Promise<RunPlan> =>
  once(problem, `activation forms ${probes} ${value}`, async () => {
    const graph = await activationFormGraph(problem.prepared, problem.loss, value, probes);
    const inputs = Array.from({ length: probes }, (_, k) => activationProbe(value, k));
    return planRuns(problem, graph, new Set(inputs));
  });

const tangentsOf = (parameters: readonly Parameter[]): Set<string> =>
  new Set(parameters.map(p => tangentName(p.name)));

const namesOf = (layers: readonly Layer[]): string => JSON.stringify(layers.map(l => l.initializer));
