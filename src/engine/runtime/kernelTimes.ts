import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { CurvatureError } from '../errors';
import type { Beside } from '../graph/toModel';
import type { Feeds } from './session';
import { reasonOf } from './providers';

const LOG_FATAL_ONLY = 4;

/**
 * What is timed of a run. `kernels`: ONNX Runtime's own profile, without kernels that only lay values out anew; a call copies
 * its results, which takes as long as many a large layer. `call`: all of the call; the profiler would add some microseconds to each
 * node, which tells in models of many small ones.
 */
export type Clock = 'kernels' | 'call';

/** A model on the CPU, loaded as its users load it, with all optimizations on, whose runs are timed. */
export class TimedModel {
  private readonly calls: number[] = [];

  private constructor(
    private readonly session: ort.InferenceSession,
    /** Where the profile is written. */
    private readonly folder: string | undefined,
  ) {}

  /**
   * @param beside bytes that the model names as external
   * @param threads 0 leaves the choice to ONNX Runtime
   * @throws CurvatureError `model-invalid` when ONNX Runtime refuses the model
   */
  static async create(
    model: Uint8Array,
    beside: readonly Beside[],
    threads: number,
    clock: Clock,
  ): Promise<TimedModel> {
    const folder =
      clock === 'kernels' ? mkdtempSync(path.join(os.tmpdir(), 'curvature-profile-')) : undefined;
    try {
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ['cpu'],
        externalData: beside,
        logSeverityLevel: LOG_FATAL_ONLY,
        ...(folder === undefined
          ? {}
          : { enableProfiling: true, profileFilePrefix: path.join(folder, 'runs') }),
        ...(threads > 0 ? { intraOpNumThreads: threads } : {}),
      });
      return new TimedModel(session, folder);
    } catch (error) {
      removeFolder(folder);
      throw new CurvatureError('model-invalid', `ONNX Runtime can't load the graph: ${reasonOf(error)}`);
    }
  }

  /** @throws CurvatureError `runtime-failed` */
  async run(feeds: Feeds): Promise<void> {
    const inputs = Object.entries(feeds).map(
      ([name, { elemType, data, shape }]) =>
        [name, new ort.Tensor(elemType as ort.Tensor.Type, data as ort.Tensor.DataType, shape)] as const,
    );
    const start = performance.now();
    try {
      await this.session.run(Object.fromEntries(inputs));
    } catch (error) {
      throw new CurvatureError('runtime-failed', `ONNX Runtime failed: ${reasonOf(error)}`);
    }
    this.calls.push(performance.now() - start);
  }

  /** The milliseconds of all runs so far, in order. The model can't be run any more. */
  finish(): number[] {
    const { folder } = this;
    if (folder === undefined) return this.calls;
    this.session.endProfiling();
    return readdirSync(folder).flatMap(file => runTimes(readFileSync(path.join(folder, file), 'utf8')));
  }

  async dispose(): Promise<void> {
    await this.session.release();
    removeFolder(this.folder);
  }
}

function removeFolder(folder: string | undefined): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

/** Lays values out in blocks for a convolution and back; within a model that is done at the ends of a row of convolutions only. */
const layout = /"op_name" : "Reorder(?:Input|Output)"/;

/** The milliseconds of each run's kernels in a profile: an event a line; those of a run's nodes come before the run's own. */
export function runTimes(profile: string): number[] {
  const runs: number[] = [];
  let kernels = 0;
  for (const line of profile.split('\n')) {
    const event = /^\{"cat" : "(\w+)".*?"dur" :(\d+),/.exec(line);
    if (!event) continue;
    // The profiler cuts to whole microseconds, half of one on average.
    const microseconds = Number(event[2]) + 0.5;
    if (event[1] === 'Node' && line.includes('_kernel_time"') && !layout.test(line)) kernels += microseconds;
    if (event[1] === 'Session' && line.includes('"name" :"model_run"')) {
      runs.push(kernels / 1000);
      kernels = 0;
    }
  }
  return runs;
}
