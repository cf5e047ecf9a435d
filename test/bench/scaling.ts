import { findParameters } from '../../src/engine/curvature/parameters';
import { hvpGraph } from '../../src/engine/curvature/productGraphs';
import { findLayers } from '../../src/engine/curvature/layers';
import { quadraticFormGraph } from '../../src/engine/curvature/quadraticFormGraph';
import { gradientNormGraph } from '../../src/engine/curvature/gradientNormGraph';
import type { LossSpec } from '../../src/engine/autodiff/loss';
import { float32Tensor } from '../../src/engine/onnx/tensor';
import { encodeGraph } from '../../src/engine/graph/toModel';
import { prepare } from '../../src/engine/runtime/prepare';
import { input, makeGraph } from '../support/models';

const WIDTH = 4;

/** A chain of MatMul, Add and Relu with `nodes` nodes. */
function chain(nodes: number) {
  const weights: Record<string, ReturnType<typeof float32Tensor>> = {};
  const specs = Array.from({ length: Math.ceil(nodes / 3) }, (_, i) => {
    weights[`w${i}`] = float32Tensor([WIDTH, WIDTH], new Float32Array(WIDTH * WIDTH).fill(0.25));
    weights[`b${i}`] = float32Tensor([WIDTH], new Float32Array(WIDTH).fill(0.01));
    return [
      ['MatMul', [i === 0 ? 'x' : `r${i - 1}`, `w${i}`], `m${i}`],
      ['Add', [`m${i}`, `b${i}`], `a${i}`],
      ['Relu', [`a${i}`], `r${i}`],
    ] as const;
  });
  return makeGraph([input('x', 2, WIDTH)], weights, specs.flat());
}

/** Seconds to build all derivative graphs of chains of growing length: twice the nodes should take twice the time. */
export async function scaling(lengths: readonly number[] = [2500, 5000, 10000, 20000]): Promise<void> {
  console.log('\nbuilding derivative graphs (seconds): nodes, prepare, HVP, forms, norms, encode');
  for (const length of lengths) {
    const graph = chain(length);
    const times: number[] = [];
    const timed = async <T>(body: () => T | Promise<T>): Promise<T> => {
      const start = performance.now();
      const result = await body();
      times.push((performance.now() - start) / 1000);
      return result;
    };
    const parameters = findParameters(graph);
    const names = new Set(parameters.map(p => p.name));
    const prepared = await timed(() => prepare(graph, new Map([['x', [2, WIDTH]]]), names));
    const loss: LossSpec = {
      kind: 'kl',
      logits: prepared.graph.outputs[0],
      shape: [2, WIDTH],
      classAxis: 1,
      isLabelled: false,
    };
    const whole = await timed(() => hvpGraph(prepared, loss, 'weighted', parameters));
    const layers = findLayers(graph);
    await timed(() => quadraticFormGraph(prepared, loss, layers, 'block', 1));
    await timed(() => gradientNormGraph(prepared, loss, layers, new Set()));
    await timed(() => encodeGraph(whole));
    console.log(`  ${String(graph.nodes.length).padStart(6)}  ${times.map(t => t.toFixed(2)).join('  ')}`);
  }
}
