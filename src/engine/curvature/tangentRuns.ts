import { cancelled } from '../errors';
import type { Graph } from '../graph/graph';
import { splitGraph } from '../graph/split';
import { numElements, type Tensor } from '../onnx/tensor';
import { compile } from '../runtime/compile';
import type { Feeds, Session } from '../runtime/session';
import { settledTypes } from '../runtime/settledTypes';
import { batches, numBatches, type Problem } from './problem';

/** What may be kept of all batches together, in bytes. */
const KEPT_BYTES = 2 ** 31;

/**
 * Runs a graph over all batches for one set of tangents after the other. What depends on the data alone (the primal
 * and its gradient) is computed once per batch and kept, as PyTorch retains its graph, as long as it fits.
 */
export class TangentRuns {
  private readonly kept: Feeds[] = [];

  private constructor(
    private readonly problem: Problem,
    private readonly session: Session,
    /** Makes what is kept; absent where everything is computed in each run. */
    private readonly fixed: Session | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** @param tangents the graph's inputs that differ from run to run */
  static async create(
    problem: Problem,
    graph: Graph,
    tangents: ReadonlySet<string>,
    signal?: AbortSignal,
  ): Promise<TangentRuns> {
    const types = await settledTypes(graph);
    const { fixed, varying, kept } = splitGraph(graph, types, tangents);
    const bytes = kept.reduce((sum, v) => sum + 4 * numElements(v.shape as number[]), 0);
    if (kept.length === 0 || bytes * numBatches(problem) > KEPT_BYTES)
      return new TangentRuns(problem, await compile(graph, problem.session, types), undefined, signal);
    const first = await compile(fixed, problem.session, types);
    return new TangentRuns(problem, await compile(varying, problem.session, types), first, signal);
  }

  /** The results of each batch in turn. */
  async *run(tangents: Feeds): AsyncGenerator<Readonly<Record<string, Tensor>>, void, void> {
    let batch = 0;
    for (const feeds of batches(this.problem)) {
      if (this.signal?.aborted) throw cancelled();
      const kept = this.fixed && (this.kept[batch] ??= await this.fixed.run(feeds));
      yield await this.session.run({ ...feeds, ...kept, ...tangents });
      batch++;
    }
  }

  async dispose(): Promise<void> {
    await this.fixed?.dispose();
    await this.session.dispose();
  }
}
