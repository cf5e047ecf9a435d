import * as ort from 'onnxruntime-node';
import { CurvatureError } from '../errors';
import { sessionThreads } from './cores';
import { cpuDevice, type Device } from './device';
import { encodeApart } from '../graph/toModel';
import type { Types } from '../graph/builder';
import type { Graph } from '../graph/graph';
import type { ElemType, Tensor, TensorType, TypedArray } from '../onnx/tensor';
import { type Provider, providerConfig, reasonOf } from './providers';

export interface SessionOptions {
  readonly device: Device;
  /** 0 leaves the choice to ONNX Runtime. */
  readonly threads: number;
  /** Off for sessions that are only asked for types, or run once or twice. */
  readonly optimize: boolean;
  /**
   * Whether it is planned which results take each other's place in memory, in a time that grows with the square of the number of
   * nodes; true by default. Without it memory is freed just as early.
   */
  readonly plansMemory?: boolean;
  /** Whether memory is kept from run to run, which saves its pages' first touches; true by default. */
  readonly keepsMemory?: boolean;
  /** Whether threads that wait for work keep their cores busy, which is best between the nodes of a graph; true by default. */
  readonly spinning?: boolean;
}

export const cpuSession: SessionOptions = { device: cpuDevice, threads: sessionThreads(), optimize: true };

/** Every failure is thrown as well, and told with what to do about it. */
const LOG_FATAL_ONLY = 4;
ort.env.logLevel = 'fatal';

export type Feeds = Readonly<Record<string, Tensor>>;

/** A graph made ready to run. The only door to ONNX Runtime. */
export class Session {
  private constructor(
    private session: ort.InferenceSession,
    private provider: Provider,
    private readonly graph: Graph,
    private readonly options: SessionOptions,
    private readonly types: Types | undefined,
  ) {}

  /**
   * Loads a graph on the device, or on the CPU where the device fails; the device keeps the reason.
   * @param types of the outputs, where the graph has them in other shapes
   * @throws CurvatureError `model-invalid` when ONNX Runtime refuses the graph, with its reason
   */
  static async create(graph: Graph, options: SessionOptions = cpuSession, types?: Types): Promise<Session> {
    const { device } = options;
    const { provider } = device;
    try {
      return new Session(await load(graph, provider, options), provider, graph, options, types);
    } catch (error) {
      // Its optimizer has trouble with some branches that it inlines; what it can't optimize may still run.
      if (provider === 'cpu' && options.optimize && graph.nodes.some(n => n.opType === 'If'))
        return Session.create(graph, { ...options, optimize: false }, types);
      if (provider === 'cpu')
        throw new CurvatureError('model-invalid', `ONNX Runtime can't load the graph: ${reasonOf(error)}`);
      device.fallBack(reasonOf(error));
      return Session.create(graph, options, types);
    }
  }

  /**
   * Types of the graph's outputs as ONNX Runtime inferred them; undefined where a dimension is not known. Sequences and optional
   * values have none.
   */
  outputTypes(): Map<string, TensorType | undefined> {
    return new Map(
      this.session.outputMetadata.flatMap((m): [string, TensorType | undefined][] => {
        if (!m.isTensor) return [];
        const isSettled = m.shape.every(d => typeof d === 'number' && d >= 0);
        return [
          [m.name, isSettled ? { elemType: m.type as ElemType, shape: m.shape as number[] } : undefined],
        ];
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
    const results = await this.runOnDevice(inputs);
    return Object.fromEntries(
      Object.entries(results).map(([name, t]) => {
        const shape = this.types?.get(name)?.shape ?? t.dims;
        return [name, { elemType: t.type as ElemType, shape, data: t.data as TypedArray }];
      }),
    );
  }

  private async runOnDevice(
    inputs: Record<string, ort.Tensor>,
  ): Promise<ort.InferenceSession.OnnxValueMapType> {
    try {
      return await this.session.run(inputs);
    } catch (error) {
      if (this.provider === 'cpu')
        throw new CurvatureError('runtime-failed', `ONNX Runtime failed: ${reasonOf(error)}`);
      this.options.device.fallBack(reasonOf(error));
      await this.session.release();
      this.provider = 'cpu';
      this.session = await load(this.graph, this.provider, this.options);
      return this.runOnDevice(inputs);
    }
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

const SLOW_FUSIONS = 'MatMulAddFusion;MatmulTransposeFusion';

function load(graph: Graph, provider: Provider, options: SessionOptions): Promise<ort.InferenceSession> {
  const { model, beside } = encodeApart(graph);
  return ort.InferenceSession.create(model, {
    executionProviders: [providerConfig(provider)],
    externalData: beside,
    graphOptimizationLevel: options.optimize ? 'all' : 'disabled',
    logSeverityLevel: LOG_FATAL_ONLY,
    // Most sessions run a few times: planning memory from the first run makes the second as slow in page faults again.
    enableMemPattern: false,
    ...(options.keepsMemory === false ? { enableCpuMemArena: false } : {}),
    // Nothing is planned where several nodes may run at once.
    ...(options.plansMemory === false ? { executionMode: 'parallel', interOpNumThreads: 2 } : {}),
    extra: {
      // One node for a product and its bias is slower in large graphs than the two, by up to a quarter; where a product reads an
      // operand transposed is our own choice (`fusedTransposes.ts`, `keptTransposes.ts`).
      ...(provider === 'cpu' ? { optimization: { disable_specified_optimizers: SLOW_FUSIONS } } : {}),
      session: {
        // Else float weights between quantized activations would be rounded to int8 for faster kernels.
        disable_quant_qdq: '1',
        ...(options.spinning === false ? { intra_op: { allow_spinning: '0' } } : {}),
        ...(options.plansMemory === false ? { inter_op: { allow_spinning: '0' } } : {}),
      },
    },
    ...(options.threads > 0 ? { intraOpNumThreads: options.threads } : {}),
  });
}
