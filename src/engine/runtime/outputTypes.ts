import type { Graph } from '../graph/graph';
import type { TensorType } from '../onnx/tensor';
import { cpuSession, Session } from './session';

/** The types of a graph's outputs as ONNX Runtime infers them on creating a session; nothing runs. */
export async function outputTypes(graph: Graph): Promise<Map<string, TensorType | undefined>> {
  const session = await Session.create(graph, { ...cpuSession, optimize: false, threads: 1 });
  const types = session.outputTypes();
  await session.dispose();
  return types;
}
