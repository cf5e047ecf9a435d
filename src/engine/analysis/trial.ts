import { axesOf, fixedBatch, sampleFeeds } from '../curvature/problem';
import type { Dataset } from '../data/dataset';
import { CurvatureError } from '../errors';
import type { Graph } from '../graph/graph';
import { cpuSession, Session } from '../runtime/session';

export type OutputShapes = ReadonlyMap<string, readonly number[]>;

/** Runs a model as the file has it for a few samples, to find out what it takes. */
export class Trial {
  private constructor(
    private readonly graph: Graph,
    private readonly session: Session,
  ) {}

  /** Undefined where ONNX Runtime refuses the model; whoever prepares it tells why. */
  static async of(graph: Graph): Promise<Trial | undefined> {
    try {
      const options = { ...cpuSession, optimize: false, plansMemory: false };
      const session = await Session.create(graph, options);
      // Sequences can't be handed to us, and tell nothing.
      const types = session.outputTypes();
      const tensors = graph.outputs.filter(o => types.has(o));
      if (tensors.length === 0 || tensors.length === graph.outputs.length) return new Trial(graph, session);
      await session.dispose();
      return new Trial(graph, await Session.create({ ...graph, outputs: tensors }, options));
    } catch (error) {
      if (error instanceof CurvatureError) return undefined;
      throw error;
    }
  }

  /** The shapes of the outputs for the first samples, as many as the model asks for or else `samples`; why, where it does not run. */
  async run(dataset: Dataset, samples: number): Promise<OutputShapes | string> {
    try {
      const batch = fixedBatch(this.graph, axesOf(dataset)) ?? samples;
      const outputs = await this.session.run(sampleFeeds(dataset, batch));
      return new Map(Object.entries(outputs).map(([name, { shape }]) => [name, shape]));
    } catch (error) {
      if (error instanceof CurvatureError) return error.message;
      throw error;
    }
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
}
