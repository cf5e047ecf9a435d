import { attachLoss, type LossSpec, outputFactor } from '../autodiff/loss';
import { vjp } from '../autodiff/vjp';
import { GraphBuilder } from '../graph/builder';
import { numElements } from '../onnx/tensor';
import { mul, reduceSum, reshape, zeros } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { gradientNormName, type NormsGraph, OUTPUT_PROBE } from './gradientNormGraph';

/**
 * Squared norms of the cotangents ∂⟨S r, f⟩/∂a of values a, for signs r that are fed. Samples lie in elements of their own,
 * so that the norms add up over them even where they can't be told apart: [samples] where axis 0 is made of samples, else
 * [1].
 * @param together values whose samples must be taken together
 */
export function activationNormGraph(
  { graph, types }: Prepared,
  loss: LossSpec,
  values: readonly string[],
  together: ReadonlySet<number>,
): NormsGraph {
  const b = new GraphBuilder(graph, types);
  const { weight } = attachLoss(b, loss, 'weighted');
  const r = b.input({ name: OUTPUT_PROBE, elemType: 'float32', shape: loss.shape });
  const seeds = new Map([[loss.logits, outputFactor(b, loss, weight, r)]]);
  const sources = new Set(values);
  const cotangents = vjp(b, graph.nodes, types, seeds, sources, sources);
  const perSample = values.map((value, i) => {
    const { shape } = types.get(value)!;
    const isApart = !together.has(i) && isBySample(shape, loss.shape[0]);
    const rows = isApart ? loss.shape[0] : 1;
    const cotangent = cotangents.get(value);
    const laid = cotangent && reshape(b, cotangent, shape, [rows, numElements(shape) / rows]);
    b.alias(laid ? reduceSum(b, mul(b, laid, laid), [1], false) : zeros(b, [rows]), gradientNormName(i));
    return isApart;
  });
  return { graph: b.build(values.map((_, i) => gradientNormName(i))), perSample };
}

/** Whether axis 0 holds the samples one after the other, or equal parts of each. */
export const isBySample = (shape: readonly number[], samples: number): boolean =>
  shape.length > 0 && shape[0] > 0 && shape[0] % samples === 0;
