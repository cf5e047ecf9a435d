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
import type { EngineErrorData, EngineEvents, EngineMethods, KeptProbes } from '../protocol/engine';

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

/** Runs with what it can go on from kept on disk, which goes once it is through. */
async function keeping<R>(
  probes: KeptProbes | undefined,
  run: (journal: ProbeJournal | undefined) => Promise<R>,
): Promise<R> {
  const journal = probes && new ProbeJournal(probes.file, probes.resume, 'begin anew');
  const result = await run(journal);
  journal?.finish();
  return result;
}

/** Method → façade call. A method without a handler doesn't compile. */
export const handlers: { readonly [M in Method]: Handler<M> } = {
  analyze: ({ options, probes }, { signal, notify }) =>
    keeping(probes, journal =>
      analyze(options, {
        signal,
        onProgress: progress => notify('progressed', progress),
        onPartial: partial => notify('partialResult', partial),
        journal,
      }),
    ),
  compareHessians: ({ options, probes }, { signal, notify }) =>
    keeping(probes, journal =>
      compareHessians(options, { signal, onProgress: progress => notify('progressed', progress), journal }),
    ),
  study: ({ request, probes }, { signal, notify }) =>
    keeping(probes, journal =>
      study(request, {
        signal,
        onProgress: progress => notify('progressed', progress),
        onPartial: partial => notify('partialStudies', partial),
        journal,
      }),
    ),
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
