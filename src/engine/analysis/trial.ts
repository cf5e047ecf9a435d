import { fixedBatch, sampleFeeds } from '../curvature/problem';
import type { Dataset } from '../data/dataset';
import { CurvatureError } from '../errors';
import type { Graph } from '../graph/graph';
import { cpuSession, Session } from '../runtime/session';

/** Runs a model as the file has it for a few samples, to find out what it takes. */
export class Trial {
  private constructor(
    private readonly graph: Graph,
    private readonly session: Session,
  ) {}

  /** Undefined where ONNX Runtime refuses the model; whoever prepares it tells why. */
  static async of(graph: Graph): Promise<Trial | undefined> {
    try {
      return new Trial(graph, await Session.create(graph, { ...cpuSession, optimize: false }));
    } catch (error) {
      if (error instanceof CurvatureError) return undefined;
      throw error;
    }
  }

  /** Why the model does not run on the first samples, as many as it asks for or else `samples`; undefined where it does. */
  async refusal(dataset: Dataset, samples: number): Promise<string | undefined> {
    try {
      await this.session.run(sampleFeeds(dataset, fixedBatch(this.graph) ?? samples));
      return undefined;
    } catch (error) {
      if (error instanceof CurvatureError) return error.message;
      throw error;
    }
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
}
