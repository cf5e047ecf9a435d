import type { Types } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { lower } from './lower';
import { Session, type SessionOptions } from './session';
import { settledTypes } from './settledTypes';

/** A derivative graph made ready to run, in the forms that the provider's kernels are fastest at. Its shapes must be settled. */
export async function compile(graph: Graph, options: SessionOptions, types?: Types): Promise<Session> {
  if (options.device.provider !== 'cpu') return Session.create(graph, options);
  return Session.create(await lower(graph, types ?? (await settledTypes(graph))), options);
}
