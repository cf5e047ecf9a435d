import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Progress } from '../../engine/analysis/hooks';
import { defaultCompareOptions, type CompareOptions } from '../../engine/analysis/matrixOptions';
import { compareReports } from '../../engine/report/compareReports';
import type { HessianComparison } from '../../engine/report/comparison';
import type { CompareState, HessiansState } from '../../protocol/compareView';
import { type Found, findReport } from '../commands/findReport';
import { readOptions } from '../config';
import type { Ctx } from '../ctx';
import { Disposable } from '../dispose';
import type { EngineClient } from '../engineClient';
import { toEngineError } from '../engineError';
import { fileName } from '../modelUri';
import { UserError } from '../userError';
import { withProgress } from '../withProgress';
import { type AtHand, atHand } from './atHand';

type Sides = readonly [vscode.Uri, vscode.Uri];

/** Two reports side by side, and the Hessians of their models where these are at hand. */
export class Comparison extends Disposable {
  private readonly changed = this.register(new vscode.EventEmitter<void>());
  readonly onDidChange = this.changed.event;
  private running: { readonly controller: AbortController; readonly engine: EngineClient } | undefined;
  private found: readonly [Found, Found] | undefined;
  private current: CompareState;

  private constructor(
    private readonly ctx: Ctx,
    /** Each a report's file, or a model whose last report is kept. */
    readonly sides: Sides,
    /** The file in which the engine's process keeps products until a comparison is through. */
    private readonly probes: string,
  ) {
    super();
    const [a, b] = namesOf(sides);
    this.current = {
      title: `${a} ↔ ${b}`,
      names: { a, b },
      sources: sides.map(String),
      hessians: { phase: 'unavailable', reason: 'The reports are not read yet.' },
    };
    for (const side of sides) {
      const folder = vscode.Uri.joinPath(side, '..');
      const watcher = this.register(
        vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, fileName(side))),
      );
      this.register(watcher.onDidChange(() => this.read()));
    }
    this.register(
      ctx.analyses.onDidChange(({ model, isRunning }) => {
        if (!isRunning && sides.some(side => side.toString() === model.toString())) void this.read();
      }),
    );
  }

  /** Reads both; what is wrong with either stands in the state. */
  static async of(ctx: Ctx, sides: Sides): Promise<Comparison> {
    const comparison = new Comparison(ctx, sides, await ctx.reports.probesOfComparison(sides));
    await comparison.read();
    return comparison;
  }

  get state(): CompareState {
    return this.current;
  }

  /**
   * Measures both Hessians of the last layer and their difference, in a process of its own. Goes on with what a run on the same files has kept that
   * was cut short. Never rejects: the state tells how it went.
   */
  async compareHessians(): Promise<void> {
    if (this.running || !this.found) return;
    const files = await this.files();
    if (typeof files === 'string') return this.show({ phase: 'unavailable', reason: files });
    const { found } = this;
    const engine = this.ctx.newEngine();
    const controller = new AbortController();
    this.running = { controller, engine };
    this.show({ phase: 'running' });
    try {
      const comparison = await withProgress(
        `Hessians of ${this.current.title}`,
        () => controller.abort(),
        onProgress =>
          engine.compareHessians(
            compareOptions(found, files),
            {
              signal: controller.signal,
              onProgress: (progress: Progress) => {
                onProgress(progress);
                this.show({ phase: 'running', progress });
              },
            },
            { file: this.probes, resume: true },
          ),
      );
      this.show({ phase: 'done', comparison, notes: changesSince(found, comparison) });
    } catch (thrown) {
      const { message, hint, isCancelled } = toEngineError(thrown);
      this.show({
        ...this.idle(),
        ...(isCancelled ? {} : { error: hint ? { message, hint } : { message } }),
      });
    } finally {
      this.running = undefined;
      engine.dispose();
    }
  }

  cancel(): void {
    this.running?.controller.abort();
  }

  override dispose(): void {
    this.running?.engine.dispose();
    super.dispose();
  }

  private async read(): Promise<void> {
    const { error: _, comparison: __, ...rest } = this.current;
    try {
      const [a, b] = [await findReport(this.ctx, this.sides[0]), await findReport(this.ctx, this.sides[1])];
      this.found = [a, b];
      const comparison = compareReports(a.report, b.report);
      const files = await this.files();
      const hessians: HessiansState =
        typeof files === 'string'
          ? { phase: 'unavailable', reason: files }
          : rest.hessians.phase === 'unavailable'
            ? this.idle()
            : rest.hessians;
      this.update({ ...rest, comparison, hessians });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const hint = error instanceof UserError ? error.hint : undefined;
      const reason = 'There are no two reports.';
      this.found = undefined;
      this.update({
        ...rest,
        error: hint ? { message, hint } : { message },
        hessians: { phase: 'unavailable', reason },
      });
    }
  }

  /** The models and data of both, or why their Hessians can't be compared. */
  private async files(): Promise<readonly [AtHand, AtHand] | string> {
    if (!this.found) return 'There are no two reports.';
    const [a, b] = this.found;
    if (!vscode.workspace.isTrusted) return 'Models are not run in an untrusted workspace.';
    if (a.report.settings.loss !== b.report.settings.loss) return 'The reports are of different losses.';
    if (a.report.data.source !== b.report.data.source)
      return 'One report is of data in a file, the other of random inputs.';
    const files = [await atHand(a), await atHand(b)] as const;
    const missing = files.find(file => typeof file === 'string');
    return missing ?? (files as readonly [AtHand, AtHand]);
  }

  /** Nothing is measured, but something of it may be kept. */
  private idle(): HessiansState & { readonly phase: 'idle' } {
    return { phase: 'idle', ...(existsSync(this.probes) ? { canResume: true } : {}) };
  }

  private show(hessians: HessiansState): void {
    this.update({ ...this.current, hessians });
  }

  private update(state: CompareState): void {
    this.current = state;
    this.changed.fire();
  }
}

/** File names, with their folders where the names are equal. */
function namesOf(sides: Sides): [string, string] {
  const [a, b] = [fileName(sides[0]), fileName(sides[1])];
  return a === b
    ? [vscode.workspace.asRelativePath(sides[0]), vscode.workspace.asRelativePath(sides[1])]
    : [a, b];
}

function compareOptions([a, b]: readonly [Found, Found], files: readonly [AtHand, AtHand]): CompareOptions {
  const [one, other] = [a.report, b.report];
  const { labels } = one.data;
  const { executionProvider, batch, memory } = readOptions(files[0].model);
  return {
    ...defaultCompareOptions,
    ...{ executionProvider, batch, memory },
    loss: one.settings.loss,
    seed: one.settings.seed,
    samples: Math.max(one.samples, other.samples),
    ...(labels !== undefined && labels === other.data.labels ? { labels } : {}),
    models: files.map(({ model }) => model.fsPath),
    data: files.flatMap(({ data }) => (data ? [data.fsPath] : [])),
  };
}

/** Whether what was measured is what the reports are of. */
function changesSince(found: readonly [Found, Found], { a, b }: HessianComparison): string[] {
  return [a, b].flatMap((side, i) => {
    const { report } = found[i] ?? found[0];
    const name = 'AB'[i];
    return [
      ...(side.model.sha256 === report.model.sha256
        ? []
        : [`The model ${side.model.file} has changed since report ${name}.`]),
      ...(side.data.sha256 === report.data.sha256
        ? []
        : [`The data ${side.data.file ?? ''} have changed since report ${name}.`]),
    ];
  });
}
