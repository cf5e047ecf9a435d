import { axesOf, boundGraph, fixedBatch, sampleFeeds } from '../curvature/problem';
import type { Dataset } from '../data/dataset';
import { unknownIntegers } from '../data/roles';
import { CurvatureError } from '../errors';
import type { Graph } from '../graph/graph';
import { crashOf } from '../runtime/providerTrial';

/** So many numbers of an input are shown. */
const SHOWN = 4;
/** A model that is larger can't be handed to another process in one message. */
const MOST_BYTES = 2 ** 30;

/**
 * Loads and runs a model that takes integers of unknown use in a process of its own first: ONNX Runtime divides by some of them, when it
 * looks for shapes as well, and a division by 0 ends the process.
 * @throws CurvatureError `runtime-failed` where it does
 */
export async function requireSurvival(graph: Graph, dataset: Dataset): Promise<void> {
  const doubtful = unknownIntegers(graph);
  const bytes = [...graph.initializers.values()].reduce((sum, t) => sum + t.data.byteLength, 0);
  if (doubtful.length === 0 || bytes > MOST_BYTES) return;
  const bound = boundGraph(graph, dataset);
  const feeds = sampleFeeds(dataset, fixedBatch(graph, axesOf(dataset)) ?? 1);
  const open = Object.fromEntries(bound.inputs.map(({ name }) => [name, feeds[name]]));
  const crash = await crashOf(bound, open);
  if (crash === undefined) return;
  const given = doubtful.map(name => `"${name}" is ${feeds[name].data.slice(0, SHOWN).join(', ')}`);
  throw new CurvatureError(
    'runtime-failed',
    `ONNX Runtime can't stand the model where ${given.join(' and ')}: ${crash}.`,
    'Give data with other values for these inputs.',
  );
}
