import * as vscode from 'vscode';
import { Analysis } from './analysis';
import { Disposable } from './dispose';
import type { EngineClient } from './engineClient';
import type { ReportStore } from './reportStore';

/** The analyses of this window, one per model, made when first asked for. */
export class Analyses extends Disposable {
  private readonly changed = this.register(new vscode.EventEmitter<Analysis>());
  /** Fires for every analysis: when its run moves on, and when it is made. */
  readonly onDidChange = this.changed.event;
  private readonly known = new Map<string, Promise<Analysis>>();
  private readonly made = new Set<Analysis>();

  constructor(
    private readonly store: ReportStore,
    private readonly newEngine: () => EngineClient,
  ) {
    super();
  }

  of(model: vscode.Uri): Promise<Analysis> {
    const key = model.toString();
    const known = this.known.get(key) ?? this.make(model);
    this.known.set(key, known);
    return known;
  }

  /** Whether anything is known of a model, without making an analysis of it. */
  async hasReport(model: vscode.Uri): Promise<boolean> {
    const known = this.known.get(model.toString());
    return known ? (await known).report !== undefined : this.store.has(model);
  }

  get running(): Analysis[] {
    return [...this.made].filter(analysis => analysis.isRunning);
  }

  private async make(model: vscode.Uri): Promise<Analysis> {
    const [kept, probesOf] = [await this.store.read(model), await this.store.probesOf(model)];
    const analysis = this.register(new Analysis(model, this.newEngine, kept, probesOf));
    this.made.add(analysis);
    let wasRunning = false;
    analysis.onDidChange(() => {
      if (wasRunning && !analysis.isRunning && analysis.report) void this.store.write(model, analysis.report);
      wasRunning = analysis.isRunning;
      this.changed.fire(analysis);
    });
    this.changed.fire(analysis);
    return analysis;
  }
}
