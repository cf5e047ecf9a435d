import { cancelled } from '../errors';
import type { Types } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { splitGraph } from '../graph/split';
import { numElements, type Tensor } from '../onnx/tensor';
import { compile } from '../runtime/compile';
import { withFastSteps } from '../runtime/lower';
import type { Feeds, Session } from '../runtime/session';
import { withKeptTransposes } from '../runtime/keptTransposes';
import { withTransposedProducts } from '../runtime/transposedProducts';
import { settledTypes } from '../runtime/settledTypes';
import type { Typed } from './gradient';
import { batches, numBatches, type Problem } from './problem';

/** What may be kept of all batches together, as a share of the memory that the problem may take. */
const KEPT_SHARE = 0.5;

/** A graph for one set of tangents after the other, and how it is run. */
export interface RunPlan {
  /** Run for each batch and each set of tangents. */
  readonly varying: Typed;
  /** Run once for each batch, for what doesn't depend on the tangents; absent where everything is computed in each run. */
  readonly fixed: Typed | undefined;
  /** What is kept for all other batches while one runs. */
  readonly keptBytes: number;
}

/** @param tangents the graph's inputs that differ from run to run */
export async function planRuns(
  problem: Problem,
  derivatives: Graph,
  tangents: ReadonlySet<string>,
): Promise<RunPlan> {
  const { graph, types } = await inRuns(derivatives, problem.prepared.types, tangents);
  for (const keepsWindows of [true, false]) {
    const { fixed, varying, kept } = splitGraph(graph, types, tangents, keepsWindows);
    const perBatch = kept.reduce((sum, v) => sum + 4 * numElements(v.shape as number[]), 0);
    if (kept.length > 0 && perBatch * numBatches(problem) <= KEPT_SHARE * problem.memory) {
      return {
        varying: { graph: varying, types },
        fixed: { graph: fixed, types },
        keptBytes: perBatch * (numBatches(problem) - 1),
      };
    }
  }
  return { varying: { graph, types }, fixed: undefined, keptBytes: 0 };
}

/** The graph in the forms that depend on what stays the same from run to run, or that a graph in two parts no longer shows. */
async function inRuns(derivatives: Graph, known: Types, tangents: ReadonlySet<string>): Promise<Typed> {
  const stepped = withFastSteps(derivatives);
  const before = await settledTypes(stepped, known);
  const turned = withTransposedProducts(stepped, before);
  const between = await settledTypes(turned, before);
  const graph = withKeptTransposes(turned, between, tangents);
  return { graph, types: await settledTypes(graph, between) };
}

/**
 * Runs a graph over all batches for one set of tangents after the other. What depends on the data alone (the primal
 * and its gradient) is computed once per batch and kept, as PyTorch retains its graph, as long as it fits.
 */
export class TangentRuns {
  private kept: readonly Feeds[] = [];

  private constructor(
    private readonly problem: Problem,
    private readonly session: Session,
    /** Makes what is kept; absent where everything is computed in each run. */
    private readonly fixed: Session | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {}

  static async create(
    problem: Problem,
    { varying, fixed }: RunPlan,
    signal?: AbortSignal,
  ): Promise<TangentRuns> {
    const first =
      fixed && (await compile(fixed.graph, { ...problem.session, keepsMemory: false }, fixed.types));
    const session = await compile(varying.graph, problem.session, varying.types);
    return new TangentRuns(problem, session, first, signal);
  }

  /** The same graphs over other samples of the problem, with these sessions. */
  over(problem: Problem): TangentRuns {
    return new TangentRuns(problem, this.session, this.fixed, this.signal);
  }

  /**
   * The results of each batch in turn.
   * @param tangents the same for all batches, or of each
   * @param besides what a batch is fed besides the data, the same in every run
   */
  async *run(
    tangents: Feeds | ((batch: number) => Feeds),
    besides: (batch: number) => Feeds = () => ({}),
  ): AsyncGenerator<Readonly<Record<string, Tensor>>, void, void> {
    if (this.fixed && this.kept.length === 0) await this.keep(this.fixed, besides);
    let batch = 0;
    for (const data of batches(this.problem)) {
      if (this.signal?.aborted) throw cancelled();
      const varying = typeof tangents === 'function' ? tangents(batch) : tangents;
      yield await this.session.run({ ...data, ...besides(batch), ...this.kept[batch], ...varying });
      batch++;
    }
  }

  /** Of all batches before the first of them is used: what its own run takes is then free again when the other one takes its memory. */
  private async keep(fixed: Session, besides: (batch: number) => Feeds): Promise<void> {
    const kept: Feeds[] = [];
    for (const data of batches(this.problem)) {
      if (this.signal?.aborted) throw cancelled();
      kept.push(await fixed.run({ ...data, ...besides(kept.length) }));
    }
    this.kept = kept;
  }

  async dispose(): Promise<void> {
    await this.fixed?.dispose();
    await this.session.dispose();
  }
}
