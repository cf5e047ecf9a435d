import { openModel } from '../../src/engine/analysis/model';
import { setUp } from '../../src/engine/analysis/setUp';
import { findParameters } from '../../src/engine/curvature/parameters';
import { findLayers } from '../../src/engine/curvature/layers';
import { batches } from '../../src/engine/curvature/problem';
import {
  gradientGraph,
  gvpGraph,
  hvpGraph,
  hvpName,
  tangentName,
} from '../../src/engine/curvature/productGraphs';
import { probeInput, quadraticFormGraph } from '../../src/engine/curvature/quadraticFormGraph';
import { planRuns, TangentRuns } from '../../src/engine/curvature/tangentRuns';
import { defaultOptions } from '../../src/engine/analysis/options';
import type { Graph } from '../../src/engine/graph/graph';
import { prune } from '../../src/engine/graph/topology';
import { float32Tensor, type Tensor } from '../../src/engine/onnx/tensor';
import { compile } from '../../src/engine/runtime/compile';
import { Rng } from '../../src/engine/util/rng';
import type { PeerResult } from './peer';

/** Seconds of ours, and how far the products are from the peer's. */
export interface OurResult {
  readonly batch: number;
  readonly gradient: number;
  readonly hvp: number;
  readonly hvpFull: number;
  readonly ggn: number;
  readonly formsPerProbe: number;
  readonly difference: number;
  readonly build: number;
  readonly sessions: number;
}

/** Runs go on for this long, so that the first ones are not the median: some 15 runs pay for fresh memory (ARCHITECTURE, limits). */
const MIN_RUNS = 5;
const MIN_SECONDS = 3;
const PROBES = 8;

/** @returns the median of a run, and all runs together */
async function timed<T>(body: () => Promise<T>): Promise<{ seconds: number; together: number; result: T }> {
  const began = performance.now();
  let result = await body();
  const times: number[] = [];
  const until = performance.now() + 1000 * MIN_SECONDS;
  while (times.length < MIN_RUNS || performance.now() < until) {
    const start = performance.now();
    result = await body();
    times.push((performance.now() - start) / 1000);
  }
  const seconds = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
  return { seconds, together: (performance.now() - began) / 1000, result };
}

/** Copies that an exporter made of equal weights become weights of their own, as they are in PyTorch. */
function untie(graph: Graph): Graph {
  const copies = graph.nodes.filter(n => n.opType === 'Identity' && graph.initializers.has(n.inputs[0]));
  const own = copies.map(n => [n.outputs[0], graph.initializers.get(n.inputs[0])!] as const);
  return {
    ...graph,
    nodes: graph.nodes.filter(n => !copies.includes(n)),
    initializers: new Map([...graph.initializers, ...own]),
  };
}

/** Times all derivatives of one exported model on the whole of its data, as one batch. */
export async function measure(
  base: string,
  peer: PeerResult,
  vectorOf: (sizes: ReadonlyMap<number, number>) => Float32Array[],
): Promise<OurResult> {
  const read = openModel(`${base}.onnx`);
  const graph = untie(read.graph);
  const model = { ...read, graph, parameters: findParameters(graph), layers: findLayers(graph) };
  const started = performance.now();
  const { problem, reached } = await setUp(model, {
    ...defaultOptions,
    data: `${base}.npz`,
    loss: 'cross-entropy',
    batch: 1 << 20,
    executionProvider: 'cpu',
  });
  const { prepared, loss } = problem;
  const sizes = new Map(model.parameters.map(p => [p.name, p]));
  const nameOf = (torch: string): string => (sizes.has(torch) ? torch : `model.${torch}`);
  const places = new Map(
    peer.parameters.flatMap((torch, i) => {
      const parameter = sizes.get(nameOf(torch));
      return parameter ? [[i, parameter] as const] : [];
    }),
  );
  const parameters = [...places.values()];
  const whole = await hvpGraph(prepared, loss, 'weighted', parameters);
  const products = prune(
    whole,
    parameters.map(p => hvpName(p.name)),
  );
  const build = (performance.now() - started) / 1000;
  const [feeds] = [...batches(problem)];
  const vector = vectorOf(new Map([...places].map(([i, p]) => [i, p.size])));
  const tangents: Record<string, Tensor> = Object.fromEntries(
    parameters.map((p, i) => [tangentName(p.name), float32Tensor(p.shape, vector[i])]),
  );
  const names = new Set(Object.keys(tangents));

  const full = async (graph: Graph, extra: Record<string, Tensor>): Promise<number> => {
    const session = await compile(graph, problem.session, problem.prepared.types);
    const { seconds } = await timed(() => session.run({ ...feeds, ...extra }));
    await session.dispose();
    return seconds;
  };
  const kept = async (graph: Graph, inputs: Record<string, Tensor>) => {
    const plan = await planRuns(problem, graph, new Set(Object.keys(inputs)));
    const runs = await TangentRuns.create(problem, plan);
    const outcome = await timed(async () => {
      let last: Readonly<Record<string, Tensor>> = {};
      for await (const results of runs.run(inputs)) last = results;
      return last;
    });
    await runs.dispose();
    return outcome;
  };

  const gradient = await full(await gradientGraph(prepared, loss, 'weighted', parameters), {});
  const before = performance.now();
  const hvp = await kept(products, tangents);
  const sessions = (performance.now() - before) / 1000 - hvp.together;
  const hvpFull = await full(whole, tangents);
  const ggn = await full(await gvpGraph(prepared, loss, parameters), tangents);
  const probes: Record<string, Tensor> = {};
  for (let k = 0; k < PROBES; k++) {
    for (const layer of reached)
      probes[probeInput(layer, k)] = float32Tensor(
        layer.shape,
        Rng.of(k, layer.initializer).rademacher(layer.size),
      );
  }
  const forms = await kept(await quadraticFormGraph(prepared, loss, reached, 'block', PROBES), probes);

  const found = peer.parameters.map(torch => {
    const name = nameOf(torch);
    if (!names.has(tangentName(name))) return 0;
    const hv = hvp.result[hvpName(name)].data as Float32Array;
    const v = tangents[tangentName(name)].data as Float32Array;
    return hv.reduce((sum, h, i) => sum + h * v[i], 0);
  });
  const expected = peer.parameters.map(torch => peer.vHv_each[torch] ?? 0);
  const scale = Math.hypot(...expected);
  return {
    batch: problem.batch,
    gradient,
    hvp: hvp.seconds,
    hvpFull,
    ggn,
    formsPerProbe: forms.seconds / PROBES,
    difference: Math.max(...expected.map((e, i) => Math.abs(e - found[i]))) / scale,
    build,
    sessions,
  };
}
