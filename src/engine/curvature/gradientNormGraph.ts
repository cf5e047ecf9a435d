import { attachLoss, type LossSpec, outputFactor } from '../autodiff/loss';
import { vjp } from '../autodiff/vjp';
import { GraphBuilder } from '../graph/builder';
import { consumersOf, type Graph } from '../graph/graph';
import { mul, sumAll } from '../ops/emit';
import { Site } from '../ops/rule';
import { sampleNorms } from '../ops/sampleNorms';
import type { Prepared } from '../runtime/prepare';
import type { Layer } from './layers';
import { usesOf } from './uses';

export const OUTPUT_PROBE = 'curvature/output_probe';
/** A graph whose outputs are squared norms. */
export interface NormsGraph {
  readonly graph: Graph;
  /** Whether each output tells the samples apart. */
  readonly perSample: readonly boolean[];
}

export const gradientNormName = (layer: number): string => `curvature/norm_${layer}`;

/**
 * Squared norms of the gradients ∇_{W_l} ⟨S r, f(x)⟩ for signs r that are fed: per sample where the layer's samples can be
 * told apart, else of the sum over the batch, which has the same mean. Back-propagation through activations only.
 * @param together layers whose samples must be taken together
 * @param seed cotangent of the logits; by default S r, the factor of the output Hessian applied to the signs
 */
export function gradientNormGraph(
  prepared: Prepared,
  loss: LossSpec,
  layers: readonly Layer[],
  together: ReadonlySet<number>,
  seed: Seed = factorTimesSigns,
): NormsGraph {
  const { graph, types } = prepared;
  const consumers = consumersOf(graph.nodes);
  const uses = layers.map(layer => usesOf(layer, consumers));
  const b = new GraphBuilder(graph, types);
  const seeds = new Map([[loss.logits, seed(b, loss)]]);
  const sources = new Set(layers.map(l => l.initializer));
  const mayStandAlone = uses.map((u, l) => u.length === 1 && !together.has(l));
  const wanted = new Set([
    ...uses.flat().flatMap(u => u.node.outputs),
    ...layers.filter((_, l) => !mayStandAlone[l]).map(layer => layer.initializer),
  ]);
  const cotangents = vjp(b, graph.nodes, types, seeds, sources, wanted);
  const perSample = layers.map((layer, l) => {
    const use = uses[l][0];
    const cotangent = use && cotangents.get(use.node.outputs[0]);
    const norms =
      mayStandAlone[l] && use && cotangent
        ? b.within(`${use.node.name}/norms`, () =>
            sampleNorms(b, new Site(use.node, types, b), use.operand, cotangent, loss.shape[0]),
          )
        : undefined;
    const whole = (): string => {
      const c = cotangents.get(layer.initializer);
      return c ? sumAll(b, mul(b, c, c), layer.shape) : b.scalar(0);
    };
    b.alias(norms ?? whole(), gradientNormName(l));
    return norms !== undefined;
  });
  const refused = layers
    .map((_, l) => l)
    .filter(l => mayStandAlone[l] && !perSample[l] && uses[l].length > 0);
  if (refused.length > 0)
    return gradientNormGraph(prepared, loss, layers, new Set([...together, ...refused]), seed);
  return { graph: b.build(layers.map((_, l) => gradientNormName(l))), perSample };
}

export type Seed = (b: GraphBuilder, loss: LossSpec) => string;

const factorTimesSigns: Seed = (b, loss) => {
  const { weight } = attachLoss(b, loss, 'weighted');
  const r = b.input({ name: OUTPUT_PROBE, elemType: 'float32', shape: loss.shape });
  return outputFactor(b, loss, weight, r);
};
