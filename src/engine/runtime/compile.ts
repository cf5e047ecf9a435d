import type { Graph } from '../graph/graph';
import { lower } from './lower';
import { Session, type SessionOptions } from './session';
import { inferTypes } from './types';

/** A derivative graph made ready to run, in the forms that the provider's kernels are fastest at. */
export async function compile(graph: Graph, options: SessionOptions): Promise<Session> {
  if (options.device.provider !== 'cpu') return Session.create(graph, options);
  return Session.create(await lower(graph, await inferTypes(graph)), options);
}
