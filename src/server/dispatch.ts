import { ResponseError, type CancellationToken } from 'vscode-jsonrpc/node';
import {
  CurvatureError,
  ProbeJournal,
  analyze,
  compareHessians,
  coverage,
  describeModel,
  exportQuantized,
  study,
} from '../engine';
import type { EngineErrorData, EngineEvents, EngineMethods } from '../protocol/engine';

type Method = keyof EngineMethods;

/** What a handler may use besides its parameters. */
export interface RequestContext {
  readonly signal: AbortSignal;
  readonly notify: <E extends keyof EngineEvents>(event: E, value: EngineEvents[E]) => void;
}

type Handler<M extends Method> = (
  params: EngineMethods[M]['params'],
  context: RequestContext,
) => Promise<EngineMethods[M]['result']>;

/** Method → façade call. A method without a handler doesn't compile. */
export const handlers: { readonly [M in Method]: Handler<M> } = {
  analyze: async ({ options, probes }, { signal, notify }) => {
    const journal = probes && new ProbeJournal(probes.file, probes.resume, 'begin anew');
    const report = await analyze(options, {
      signal,
      onProgress: progress => notify('progressed', progress),
      onPartial: partial => notify('partialResult', partial),
      journal,
    });
    journal?.finish();
    return report;
  },
  compareHessians: (options, { signal, notify }) =>
    compareHessians(options, { signal, onProgress: progress => notify('progressed', progress) }),
  study: (request, { signal, notify }) =>
    study(request, { signal, onProgress: progress => notify('progressed', progress) }),
  exportQuantized: ({ model, bits, options, output }, { signal, notify }) =>
    exportQuantized(model, bits, options, output, {
      signal,
      onProgress: (message, fraction) => notify('progressed', { stage: 'quantize', message, fraction }),
    }),
  describeModel: async ({ model }) => describeModel(model),
  coverage: ({ model }) => coverage(model),
};

/** JSON-RPC leaves the range above -32000 to applications; one number does, since `data.code` says which error it is. */
const ENGINE_ERROR = -31000;
const INTERNAL_ERROR = -32603;

/** The one place where what the engine throws becomes a reply. */
export function toResponseError(error: unknown): ResponseError<EngineErrorData | undefined> {
  if (error instanceof CurvatureError) {
    const data: EngineErrorData = error.hint ? { code: error.code, hint: error.hint } : { code: error.code };
    return new ResponseError(ENGINE_ERROR, error.message, data);
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new ResponseError(INTERNAL_ERROR, text);
}

/** An AbortSignal that follows a JSON-RPC cancellation token. */
export function toSignal(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  else token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}
