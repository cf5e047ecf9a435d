import * as vscode from 'vscode';
import type { Progress } from '../engine/analysis/hooks';
import { progressText } from './progressText';

/** Shows a run of the engine as a notification with a bar and a Cancel button. */
export function withProgress<T>(
  title: string,
  cancel: () => void,
  run: (onProgress: (progress: Progress) => void) => Promise<T>,
): Thenable<T> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, (notification, token) => {
    token.onCancellationRequested(cancel);
    let shown = 0;
    return run(progress => {
      const percent = 100 * progress.fraction;
      notification.report({ message: progressText(progress), increment: Math.max(percent - shown, 0) });
      shown = Math.max(percent, shown);
    });
  });
}
