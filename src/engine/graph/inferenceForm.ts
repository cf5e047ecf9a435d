import { type Graph, intAttribute, type Node, reads } from './graph';

/** Nodes that were exported as in training and stand in the graph as in inference, by operator. */
export type TrainingNodes = ReadonlyMap<string, readonly string[]>;

/**
 * The graph as `model.eval()` would have exported it: Dropout that passes its input on, and BatchNormalization by its running statistics.
 * As in training both are noise to whoever measures: one drops at random, the other depends on which samples share a batch.
 */
export function inferenceForm(graph: Graph): { graph: Graph; training: TrainingNodes } {
  const given = new Set([...graph.outputs, ...graph.nodes.flatMap(reads)]);
  const training = new Map<string, string[]>();
  const nodes = graph.nodes.map(node => {
    const still = atInference(node, graph, given);
    if (still === undefined) return node;
    training.set(node.opType, [...(training.get(node.opType) ?? []), node.name]);
    return still;
  });
  return training.size === 0 ? { graph, training } : { graph: { ...graph, nodes }, training };
}

/** @param given values that somebody reads */
function atInference(node: Node, graph: Graph, given: ReadonlySet<string>): Node | undefined {
  if (node.domain !== '') return undefined;
  if (node.opType === 'Dropout' && isTrue(node.inputs[2], graph))
    return { ...node, inputs: node.inputs.slice(0, 2) };
  const isNormalization =
    node.opType === 'BatchNormalization' && intAttribute(node, 'training_mode', 0) !== 0;
  // What a batch does to the statistics is the result of training itself.
  if (!isNormalization || node.outputs.slice(1).some(o => given.has(o))) return undefined;
  const { training_mode: _, ...attributes } = node.attributes;
  return { ...node, attributes, outputs: node.outputs.slice(0, 1) };
}

const isTrue = (value: string | undefined, { initializers }: Graph): boolean =>
  value !== undefined && initializers.get(value)?.data[0] === 1;
