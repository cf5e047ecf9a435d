import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { CurvatureError } from '../errors';
import type { Beside } from '../graph/toModel';
import type { Feeds } from './session';
import { reasonOf } from './providers';

const LOG_FATAL_ONLY = 4;

/** What one run took within ONNX Runtime, in milliseconds. */
export interface RunTime {
  /** All kernels, but for those that only lay values out anew. */
  readonly kernels: number;
  /** From the call to its results; copies to and from JavaScript come on top. */
  readonly whole: number;
}

/**
 * A model on the CPU, loaded as its users load it, all optimizations on, whose runs ONNX Runtime's own profiler times: a call from JavaScript
 * alone takes longer than a small layer, and its copies of the results as long as many a large one.
 */
export class TimedModel {
  private constructor(
    private readonly session: ort.InferenceSession,
    private readonly folder: string,
  ) {}

  /**
   * @param beside bytes that the model names as external
   * @param threads 0 leaves the choice to ONNX Runtime
   * @throws CurvatureError `model-invalid` when ONNX Runtime refuses the model
   */
  static async create(model: Uint8Array, beside: readonly Beside[], threads: number): Promise<TimedModel> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'curvature-profile-'));
    try {
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ['cpu'],
        externalData: beside,
        logSeverityLevel: LOG_FATAL_ONLY,
        enableProfiling: true,
        profileFilePrefix: path.join(folder, 'runs'),
        ...(threads > 0 ? { intraOpNumThreads: threads } : {}),
      });
      return new TimedModel(session, folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw new CurvatureError('model-invalid', `ONNX Runtime can't load the graph: ${reasonOf(error)}`);
    }
  }

  /** @throws CurvatureError `runtime-failed` */
  async run(feeds: Feeds): Promise<void> {
    const inputs = Object.entries(feeds).map(
      ([name, { elemType, data, shape }]) =>
        [name, new ort.Tensor(elemType as ort.Tensor.Type, data as ort.Tensor.DataType, shape)] as const,
    );
    try {
      await this.session.run(Object.fromEntries(inputs));
    } catch (error) {
      throw new CurvatureError('runtime-failed', `ONNX Runtime failed: ${reasonOf(error)}`);
    }
  }

  /** The times of all runs so far, in order. The model can't be run any more. */
  finish(): RunTime[] {
    this.session.endProfiling();
    const files = readdirSync(this.folder);
    return files.flatMap(file => runTimes(readFileSync(path.join(this.folder, file), 'utf8')));
  }

  async dispose(): Promise<void> {
    await this.session.release();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Lays values out in blocks for a convolution and back; within a model that is done at the ends of a row of convolutions only. */
const layout = /"op_name" : "Reorder(?:Input|Output)"/;

/** Reads a profile: an event a line; those of a run's nodes come before the run's own. */
export function runTimes(profile: string): RunTime[] {
  const runs: RunTime[] = [];
  let kernels = 0;
  for (const line of profile.split('\n')) {
    const event = /^\{"cat" : "(\w+)".*?"dur" :(\d+),/.exec(line);
    if (!event) continue;
    // The profiler cuts to whole microseconds, half of one on average.
    const milliseconds = (Number(event[2]) + 0.5) / 1000;
    if (event[1] === 'Node' && line.includes('_kernel_time"') && !layout.test(line)) kernels += milliseconds;
    if (event[1] === 'Session' && line.includes('"name" :"model_run"')) {
      runs.push({ kernels, whole: milliseconds });
      kernels = 0;
    }
  }
  return runs;
}
