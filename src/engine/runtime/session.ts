import * as ort from 'onnxruntime-node';
import { CurvatureError } from '../errors';
import { encodeApart } from '../graph/toModel';
import type { Graph } from '../graph/graph';
import type { ElemType, Tensor, TensorType, TypedArray } from '../onnx/tensor';

export interface SessionOptions {
  /** ONNX Runtime's name of the execution provider. */
  readonly executionProvider: string;
  /** 0 leaves the choice to ONNX Runtime: one thread per physical core. */
  readonly threads: number;
  /** Off for sessions that are only asked for types. */
  readonly optimize: boolean;
}

export const cpuSession: SessionOptions = { executionProvider: 'cpu', threads: 0, optimize: true };

const LOG_ERRORS_ONLY = 3;

export type Feeds = Readonly<Record<string, Tensor>>;

/** A graph made ready to run. The only door to ONNX Runtime. */
export class Session {
  private constructor(
    private readonly session: ort.InferenceSession,
    private readonly graph: Graph,
  ) {}

  /**
   * @throws CurvatureError `model-invalid` when ONNX Runtime refuses the graph, `option-invalid` when it lacks the execution
   * provider; with its reason
   */
  static async create(graph: Graph, options: SessionOptions = cpuSession): Promise<Session> {
    try {
      const { model, beside } = encodeApart(graph);
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [options.executionProvider],
        externalData: beside,
        graphOptimizationLevel: options.optimize ? 'all' : 'disabled',
        logSeverityLevel: LOG_ERRORS_ONLY,
        // Most sessions run a few times: planning memory from the first run makes the second as slow in page faults again.
        enableMemPattern: false,
        // Else float weights between quantized activations would be rounded to int8 for faster kernels.
        extra: { session: { disable_quant_qdq: '1' } },
        ...(options.threads > 0 ? { intraOpNumThreads: options.threads } : {}),
      });
      return new Session(session, graph);
    } catch (error) {
      const reason = reasonOf(error);
      if (options.executionProvider === 'cpu')
        throw new CurvatureError('model-invalid', `ONNX Runtime can't load the graph: ${reason}`);
      throw new CurvatureError(
        'option-invalid',
        `The execution provider "${options.executionProvider}" can't be used here: ${reason}`,
        'Choose another one; cpu works everywhere.',
      );
    }
  }

  /** Types of the graph's outputs as ONNX Runtime inferred them; undefined where a dimension is not known. */
  outputTypes(): Map<string, TensorType | undefined> {
    return new Map(
      this.session.outputMetadata.map(m => {
        if (!m.isTensor || !m.shape.every(d => typeof d === 'number' && d >= 0)) return [m.name, undefined];
        return [m.name, { elemType: m.type as ElemType, shape: m.shape as number[] }];
      }),
    );
  }

  /**
   * Runs the graph for all its outputs. Feeds are checked first: ONNX Runtime may abort the process on a
   * wrong type.
   */
  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    const inputs: Record<string, ort.Tensor> = {};
    for (const { name, elemType, shape } of this.graph.inputs) {
      const given = feeds[name];
      if (!given) throw new Error(`internal: input "${name}" is not fed`);
      const agrees =
        given.elemType === elemType &&
        given.shape.length === shape.length &&
        shape.every((d, i) => typeof d !== 'number' || d === given.shape[i]);
      if (!agrees) {
        throw new Error(
          `internal: input "${name}" wants ${elemType} [${shape.join()}], got ${given.elemType} [${given.shape.join()}]`,
        );
      }
      inputs[name] = new ort.Tensor(
        given.elemType as ort.Tensor.Type,
        given.data as ort.Tensor.DataType,
        given.shape,
      );
    }
    let results: ort.InferenceSession.OnnxValueMapType;
    try {
      results = await this.session.run(inputs);
    } catch (error) {
      throw new CurvatureError('runtime-failed', `ONNX Runtime failed: ${reasonOf(error)}`);
    }
    return Object.fromEntries(
      Object.entries(results).map(([name, value]) => {
        const t = value;
        return [name, { elemType: t.type as ElemType, shape: t.dims, data: t.data as TypedArray }];
      }),
    );
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

/** ONNX Runtime puts source locations in front of what it has to say. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replace(/^.*?ERROR_MESSAGE:\s*/s, '')
    .replace(/\s+/g, ' ')
    .slice(0, 400);
}
