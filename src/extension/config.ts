import * as vscode from 'vscode';
import type { AnalyzeOptions } from '../engine/analysis/options';
import { optionsFrom } from './settings';

/** The settings that hold for this model: a folder of a multi-root workspace may have its own. */
export function readOptions(model: vscode.Uri): Omit<AnalyzeOptions, 'model'> {
  const configuration = vscode.workspace.getConfiguration(undefined, model);
  return optionsFrom(setting => configuration.get(setting));
}
