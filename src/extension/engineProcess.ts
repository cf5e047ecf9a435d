import { fork, type ChildProcess } from 'node:child_process';
import os from 'node:os';
import {
  CancellationToken,
  IPCMessageReader,
  IPCMessageWriter,
  ResponseError,
  createMessageConnection,
} from 'vscode-jsonrpc/node';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import type { EngineEvents, EngineMethods } from '../protocol/engine';
import { crashError, toEngineError } from './engineError';

const STDERR_KEPT = 2000;
const DRAIN_MS = 50;

const coresButOne = (): number => Math.max(1, os.availableParallelism() - 1);

/** One run of the engine's child process, from fork to exit. */
export class EngineProcess {
  private readonly child: ChildProcess;
  private readonly connection: MessageConnection;
  private stderr = '';
  private ended = false;
  /** Rejects when the process is gone, and never resolves: raced against every reply. */
  private readonly end: Promise<never>;

  constructor(
    serverPath: string,
    private readonly log: (text: string) => void,
  ) {
    // In the desktop VS Code `process.execPath` is Electron; this variable makes it a plain Node. `execArgv` is emptied
    // so that a debugger's port of the extension host isn't opened twice. One core is left to the editor.
    this.child = fork(serverPath, [], {
      execArgv: [],
      env: { CURVATURE_THREADS: String(coresButOne()), ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.child.stdout?.on('data', (data: Buffer) => log(data.toString()));
    this.child.stderr?.on('data', (data: Buffer) => {
      this.stderr = (this.stderr + data.toString()).slice(-STDERR_KEPT);
      log(data.toString());
    });
    this.end = new Promise((_, reject) => {
      // `close` comes after `exit`, when the streams are drained, so that the last words on stderr are there. What came
      // over the channel before is handed on one message per turn of the event loop, so the end waits for that too.
      this.child.once('close', (code, signal) => {
        setTimeout(() => reject(crashError({ code, signal, stderr: this.stderr })), DRAIN_MS);
      });
      this.child.once('error', error => reject(toEngineError(error)));
    });
    this.end.catch(() => {
      this.ended = true;
      this.connection.dispose();
    });
    this.connection = createMessageConnection(
      new IPCMessageReader(this.child),
      new IPCMessageWriter(this.child),
    );
    // A pipe that breaks while the process dies is told by `end`; here it would only be an unhandled event.
    this.connection.onError(() => undefined);
    this.connection.listen();
  }

  get isAlive(): boolean {
    return !this.ended && this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Settles with the reply, or rejects with an EngineError, also when the process dies first. */
  async request<M extends keyof EngineMethods>(
    method: M,
    params: EngineMethods[M]['params'],
    token = CancellationToken.None,
  ): Promise<EngineMethods[M]['result']> {
    const reply = this.connection.sendRequest<EngineMethods[M]['result']>(method, params, token);
    try {
      return await Promise.race([reply, this.end]);
    } catch (error) {
      // A bug of ours comes with its stack, which the error for the user leaves out.
      if (error instanceof ResponseError && !error.data) this.log(error.message);
      throw toEngineError(await this.causeOf(error));
    }
  }

  on<E extends keyof EngineEvents>(
    event: E,
    listener: (value: EngineEvents[E]) => void,
  ): { dispose(): void } {
    return this.connection.onNotification(event, listener);
  }

  /** SIGKILL, because ONNX Runtime's threads can hold up an orderly exit. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** A dying process can break the connection a moment before its exit is told; the exit is the better message. */
  private async causeOf(error: unknown): Promise<unknown> {
    if (this.child.connected) return error;
    const wait = new Promise(resolve => setTimeout(resolve, 500));
    return Promise.race([this.end.catch((end: unknown) => end), wait.then(() => error)]);
  }
}
