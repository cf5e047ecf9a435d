/** The engine's process: started by `fork`, speaks JSON-RPC over the IPC channel, ends with its parent. */
import { IPCMessageReader, IPCMessageWriter, createMessageConnection } from 'vscode-jsonrpc/node';
import type { CancellationToken } from 'vscode-jsonrpc/node';
import type { EngineMethods } from '../protocol/engine';
import { handlers, toResponseError, toSignal, type RequestContext } from './dispatch';

const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));

const notify: RequestContext['notify'] = (event, value) => {
  void connection.sendNotification(event, value);
};

function serve<M extends keyof EngineMethods>(method: M): void {
  connection.onRequest(method, async (params: EngineMethods[M]['params'], token: CancellationToken) => {
    try {
      return await handlers[method](params, { signal: toSignal(token), notify });
    } catch (error) {
      return toResponseError(error);
    }
  });
}

for (const method of Object.keys(handlers) as (keyof EngineMethods)[]) serve(method);

// Nobody is left to answer, and an orderly exit would wait for ONNX Runtime's threads.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

connection.listen();
