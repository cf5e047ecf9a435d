import * as vscode from 'vscode';
import type { Analyses } from '../analyses';
import { Disposable } from '../dispose';
import { progressText } from '../progressText';

/** Shows the running analyses, and cancels them when clicked. */
export class StatusBar extends Disposable {
  private readonly item = this.register(
    vscode.window.createStatusBarItem('curvature.progress', vscode.StatusBarAlignment.Left),
  );

  constructor(private readonly analyses: Analyses) {
    super();
    this.item.name = 'Curvature: Progress';
    this.item.command = 'curvature.cancelAnalysis';
    this.register(analyses.onDidChange(() => this.refresh()));
  }

  private refresh(): void {
    const states = this.analyses.running.map(analysis => analysis.state);
    void vscode.commands.executeCommand('setContext', 'curvature.analysisRunning', states.length > 0);
    if (states.length === 0) {
      this.item.hide();
      return;
    }
    const fractions = states.map(({ progress }) => progress?.fraction ?? 0);
    const percent = Math.floor((100 * fractions.reduce((a, b) => a + b, 0)) / fractions.length);
    this.item.text = `$(sync~spin) Curvature ${percent} %`;
    const lines = states.map(
      ({ modelName, progress }) => `${modelName}: ${progress ? progressText(progress) : 'starting'}`,
    );
    this.item.tooltip = [...lines, 'Click to cancel and keep what is measured.'].join('\n');
    this.item.show();
  }
}
