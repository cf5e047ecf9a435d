import type { Types } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { lower } from './lower';
import { Session, type SessionOptions } from './session';
import { settledTypes } from './settledTypes';

/**
 * A derivative graph made ready to run, in the forms that the provider's kernels are fastest at. Its shapes must be settled.
 * @param known types of some or all of its values; those of the model's own, which ONNX Runtime may not know without data
 */
export async function compile(graph: Graph, options: SessionOptions, known?: Types): Promise<Session> {
  if (options.device.provider !== 'cpu') return Session.create(graph, options);
  const types = await settledTypes(graph, known);
  return Session.create(await lower(graph, types), options, types);
}
