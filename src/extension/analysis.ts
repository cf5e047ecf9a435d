import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Progress } from '../engine/analysis/hooks';
import type { AnalyzeOptions } from '../engine/analysis/options';
import type { StudyKind, StudyRequest } from '../engine/analysis/study';
import type { Report } from '../engine/report/schema';
import { mergeStudies, type Studies } from '../engine/report/studies';
import type { StudyChoice, ViewState } from '../protocol/view';
import { Disposable } from './dispose';
import type { EngineClient } from './engineClient';
import { EngineError, cancelledError, toEngineError } from './engineError';
import { fileName } from './modelUri';
import { keptChoice, studyKinds } from './studies';

/** The analysis of one model: what is known of it, and at most one run at a time. */
export class Analysis extends Disposable {
  private readonly changed = this.register(new vscode.EventEmitter<Analysis>());
  readonly onDidChange = this.changed.event;
  private running: { readonly controller: AbortController; readonly engine: EngineClient } | undefined;
  private current: ViewState;
  private askedSpectrum: ViewState['askedSpectrum'];

  constructor(
    readonly model: vscode.Uri,
    private readonly newEngine: () => EngineClient,
    kept: Report | undefined,
    /** The file in which the engine's process keeps the probes of an analysis, or of a study, until it is through. */
    private readonly probesOf: (kind?: StudyKind) => string,
  ) {
    super();
    this.current = this.settled(kept);
  }

  get state(): ViewState {
    const canAnalyze = vscode.workspace.isTrusted;
    const state = {
      ...{ ...this.current, canAnalyze },
      ...(this.askedSpectrum ? { askedSpectrum: this.askedSpectrum } : {}),
    };
    if (!canAnalyze || this.isRunning) return state;
    const resumable = studyKinds.filter(kind => existsSync(this.probesOf(kind)));
    return {
      ...state,
      ...(this.canResume ? { canResume: true } : {}),
      ...(resumable.length > 0 ? { resumable } : {}),
    };
  }

  /** Whether a run was cut short, by whatever end, whose probes are there. */
  get canResume(): boolean {
    return !this.isRunning && existsSync(this.probesOf());
  }

  get report(): Report | undefined {
    return this.current.report;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** The process that measures now; each run has its own, so that ending one takes nothing else with it. */
  get enginePid(): number | undefined {
    return this.running?.engine.pid;
  }

  /**
   * Runs to the end. A cancelled run resolves where there is something to keep, and rejects as cancelled otherwise.
   * @param resume go on with the probes of a run that was cut short, to the numbers of one that was not; anew where they are of other settings
   */
  async run(
    options: AnalyzeOptions,
    onProgress: (progress: Progress) => void,
    resume = false,
  ): Promise<Report> {
    const before = this.current;
    const engine = this.newEngine();
    const controller = new AbortController();
    this.running = { engine, controller };
    this.update({ phase: 'running' });
    try {
      const hooks = {
        signal: controller.signal,
        onProgress: (progress: Progress) => {
          onProgress(progress);
          this.update({ ...this.current, progress });
        },
        onPartial: (partial: Report) => this.update({ ...this.current, report: partial }),
      };
      const measured = await engine.analyze(options, hooks, { file: this.probesOf(), resume });
      const report = withStudiesOf(before.report, measured);
      this.finish(this.settled(report));
      if (report.stopped?.reason === 'failed') throw new EngineError('stopped', report.stopped.message);
      return report;
    } catch (thrown) {
      const error = toEngineError(thrown);
      if (this.running) this.finish(error.isCancelled ? { ...before, phase: 'cancelled' } : failed(error));
      throw error;
    } finally {
      engine.dispose();
    }
  }

  /** What was chosen for a study that was cut short; undefined where none was. */
  keptChoice(kind: StudyKind): StudyChoice | undefined {
    return keptChoice(this.probesOf(kind));
  }

  /**
   * Measures something beside the report, which holds what there is so far, and in the end all of it; the rest of the report stays as it is. It goes on
   * with what a run of the same settings has kept that was cut short. Cancelled, it rejects, and what there is takes no whole one's place.
   */
  async study(request: StudyRequest, onProgress: (progress: Progress) => void): Promise<void> {
    const { error: _, ...before } = this.current;
    if (!before.report) throw new Error('A study is put into a report.');
    let report = before.report;
    const { studies } = report;
    const engine = this.newEngine();
    const controller = new AbortController();
    this.running = { engine, controller };
    const { kind } = request;
    this.update({ ...before, study: { kind } });
    try {
      const hooks = {
        signal: controller.signal,
        onProgress: (progress: Progress) => {
          onProgress(progress);
          this.update({ ...before, report, study: { kind, progress } });
        },
        onPartial: (found: Studies) => {
          report = { ...report, studies: mergeStudies(studies, found) };
        },
      };
      const found = await engine.study(request, hooks, { file: this.probesOf(kind), resume: true });
      this.finish({ ...before, report: { ...report, studies: mergeStudies(studies, found) } });
    } catch (thrown) {
      const error = toEngineError(thrown);
      const { message, hint } = error;
      this.finish({
        ...{ ...before, report },
        ...(error.isCancelled ? {} : { error: hint ? { message, hint } : { message } }),
      });
      throw error;
    } finally {
      engine.dispose();
    }
  }

  /** Turns the page, once it is there, to a spectrum of the report. @param key `spectrumKey` of it */
  showSpectrum(key: string): void {
    this.askedSpectrum = { key, at: Date.now() };
    this.changed.fire(this);
  }

  cancel(): void {
    this.running?.controller.abort(cancelledError());
  }

  override dispose(): void {
    this.running?.engine.dispose();
    super.dispose();
  }

  private finish(state: StateChange): void {
    this.running = undefined;
    this.update(state);
  }

  private update(state: StateChange): void {
    this.current = { ...state, modelName: fileName(this.model), canAnalyze: true };
    this.changed.fire(this);
  }

  private settled(report: Report | undefined): ViewState {
    const base = { modelName: fileName(this.model), canAnalyze: true };
    if (!report) return { ...base, phase: 'idle' };
    if (!report.stopped) return { ...base, phase: 'done', report };
    const { reason, message } = report.stopped;
    return reason === 'cancelled'
      ? { ...base, phase: 'cancelled', report }
      : { ...base, phase: 'failed', report, error: { message } };
  }
}

/** Studies hold on to model, data and loss; where these are the same, a new analysis takes none away. */
function withStudiesOf(old: Report | undefined, report: Report): Report {
  const isSame =
    old?.model.sha256 === report.model.sha256 &&
    old.data.sha256 === report.data.sha256 &&
    old.settings.loss === report.settings.loss;
  return isSame && old.studies ? { ...report, studies: old.studies } : report;
}

type StateChange = Omit<ViewState, 'modelName' | 'canAnalyze'>;

const failed = ({ message, hint, partial }: EngineError): StateChange => ({
  phase: 'failed',
  error: hint ? { message, hint } : { message },
  ...(partial ? { report: partial } : {}),
});
