import { type CancellationToken, CancellationTokenSource } from 'vscode-jsonrpc/node';
import type { AnalyzeHooks, MatrixHooks } from '../engine/analysis/hooks';
import type { CompareOptions } from '../engine/analysis/matrixOptions';
import type { ModelDescription } from '../engine/analysis/modelDescription';
import type { AnalyzeOptions } from '../engine/analysis/options';
import type { StudyRequest } from '../engine/analysis/study';
import type { ExportSummary } from '../engine/analysis/exportSummary';
import type { HessianComparison } from '../engine/report/comparison';
import type { Coverage } from '../engine/report/coverage';
import type { Report } from '../engine/report/schema';
import type { Studies } from '../engine/report/studies';
import type { EngineMethods, KeptProbes } from '../protocol/engine';
import { EngineError, cancelledError, markStopped, toEngineError } from './engineError';
import { EngineProcess } from './engineProcess';

/** What any run may be given. */
type RunHooks = Pick<AnalyzeHooks, 'onProgress' | 'signal'>;

export interface EngineClientOptions {
  readonly serverPath: string;
  readonly log?: (text: string) => void;
  /** How long a cancelled request may take to answer by itself before the process is killed. */
  readonly graceMs?: number;
}

/**
 * The extension's end of the engine: starts the process with the first request, and anew after it died. Whatever
 * happens over there, a request settles: with a report (perhaps an interrupted one) or with an EngineError.
 */
export class EngineClient {
  private process: EngineProcess | undefined;
  private disposed = false;
  private readonly log: (text: string) => void;
  private readonly graceMs: number;

  constructor(private readonly options: EngineClientOptions) {
    this.log = options.log ?? (() => undefined);
    this.graceMs = options.graceMs ?? 1500;
  }

  /** The process that runs now. */
  get pid(): number | undefined {
    return this.process?.isAlive ? this.process.pid : undefined;
  }

  describeModel(model: string): Promise<ModelDescription> {
    return this.start().request('describeModel', { model });
  }

  coverage(model: string): Promise<Coverage> {
    return this.start().request('coverage', { model });
  }

  /**
   * A cancelled analysis resolves with what was measured so far, marked as cancelled; with nothing measured it rejects
   * with a `cancelled` error. Any other failure rejects, and the error carries the last partial report.
   */
  async analyze(
    options: AnalyzeOptions,
    { onProgress, onPartial, signal }: Omit<AnalyzeHooks, 'journal' | 'now'> = {},
    probes?: KeptProbes,
  ): Promise<Report> {
    if (signal?.aborted) throw cancelledError();
    const process = this.start();
    const { token, release } = this.follow(process, signal);
    let partial: Report | undefined;
    const listeners = [
      process.on('progressed', progress => onProgress?.(progress)),
      process.on('partialResult', report => {
        if (hasMeasured(report)) partial = report;
        onPartial?.(report);
      }),
    ];
    try {
      return await process.request('analyze', { options, ...(probes ? { probes } : {}) }, token);
    } catch (error) {
      if (!signal?.aborted && !this.disposed) throw toEngineError(error).withPartial(partial);
      if (!partial) throw cancelledError();
      return markStopped(partial, 'cancelled', cancelledError().message);
    } finally {
      release();
      for (const listener of listeners) listener.dispose();
    }
  }

  /** Writes a quantized model; cancelled, it rejects with a `cancelled` error. */
  exportQuantized(
    params: EngineMethods['exportQuantized']['params'],
    hooks?: RunHooks,
  ): Promise<ExportSummary> {
    return this.wholeOrNothing('exportQuantized', params, hooks);
  }

  /** Measures something beside an analysis, and tells what there is so far; cancelled, it rejects with a `cancelled` error. */
  async study(
    request: StudyRequest,
    { onPartial, ...hooks }: RunHooks & Pick<MatrixHooks<Studies>, 'onPartial'> = {},
    probes?: KeptProbes,
  ): Promise<Studies> {
    const listener = this.start().on('partialStudies', partial => onPartial?.(partial));
    try {
      return await this.wholeOrNothing('study', { request, ...(probes ? { probes } : {}) }, hooks);
    } finally {
      listener.dispose();
    }
  }

  /** Compares the curvature of two models, or on two sets of data; cancelled, it rejects with a `cancelled` error. */
  compareHessians(
    options: CompareOptions,
    hooks?: RunHooks,
    probes?: KeptProbes,
  ): Promise<HessianComparison> {
    return this.wholeOrNothing('compareHessians', { options, ...(probes ? { probes } : {}) }, hooks);
  }

  private async wholeOrNothing<M extends 'compareHessians' | 'exportQuantized' | 'study'>(
    method: M,
    params: EngineMethods[M]['params'],
    { onProgress, signal }: RunHooks = {},
  ): Promise<EngineMethods[M]['result']> {
    if (signal?.aborted) throw cancelledError();
    const process = this.start();
    const { token, release } = this.follow(process, signal);
    const listener = process.on('progressed', progress => onProgress?.(progress));
    try {
      return await process.request(method, params, token);
    } catch (error) {
      throw signal?.aborted || this.disposed ? cancelledError() : toEngineError(error);
    } finally {
      release();
      listener.dispose();
    }
  }

  /** Ends the process; what is pending settles as cancelled. */
  dispose(): void {
    this.disposed = true;
    this.process?.kill();
  }

  /** A token that follows the signal. A process that doesn't answer to it in time is killed. */
  private follow(
    process: EngineProcess,
    signal: AbortSignal | undefined,
  ): { readonly token: CancellationToken; readonly release: () => void } {
    const cancellation = new CancellationTokenSource();
    let killing: NodeJS.Timeout | undefined;
    const cancel = (): void => {
      cancellation.cancel();
      killing = setTimeout(() => process.kill(), this.graceMs);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    return {
      token: cancellation.token,
      release() {
        clearTimeout(killing);
        signal?.removeEventListener('abort', cancel);
        cancellation.dispose();
      },
    };
  }

  private start(): EngineProcess {
    if (this.disposed) throw new EngineError(EngineError.cancelled, 'The engine was closed.');
    if (!this.process?.isAlive) this.process = new EngineProcess(this.options.serverPath, this.log);
    return this.process;
  }
}

/** A report in which nothing is measured yet is not worth keeping in the place of an older one. */
const hasMeasured = ({ layers }: Report): boolean => layers.some(({ status }) => status === 'analysed');
