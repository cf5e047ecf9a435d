/** Help for the tests that run inside the extension host. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { CurvatureApi } from '../../../src/extension';
import type { Analysis } from '../../../src/extension/analysis';

export async function activated(): Promise<CurvatureApi> {
  const extension = vscode.extensions.getExtension<CurvatureApi>('curvature.curvature');
  assert.ok(extension, 'the extension is not there');
  return extension.activate();
}

/** A file of the workspace that the runner made. */
export function inWorkspace(name: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'no folder is open');
  return vscode.Uri.joinPath(folder.uri, name);
}

export const textOf = (model: vscode.Uri): vscode.Uri =>
  model.with({ scheme: 'curvature-model', path: `${model.path}.nodes` });

export const analysisOf = async (name: string): Promise<Analysis> =>
  (await activated()).analyses.of(inWorkspace(name));

export const analyze = (name: string): Thenable<unknown> =>
  vscode.commands.executeCommand('curvature.analyzeCurvature', inWorkspace(name));

/** What hovers say at a place of a document, as Markdown. */
export async function hoverText(uri: vscode.Uri, position: vscode.Position): Promise<string> {
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
    'vscode.executeHoverProvider',
    uri,
    position,
  );
  return hovers
    .flatMap(({ contents }) => contents)
    .map(content => (typeof content === 'string' ? content : content.value))
    .join('\n');
}

/** Waits until `probe` gives something. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined>,
  seconds = 30,
): Promise<T> {
  const until = Date.now() + 1000 * seconds;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    assert.ok(Date.now() < until, `${what}: not within ${seconds} s`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** Changes settings while `action` runs. */
export async function withSettings<T>(
  values: Readonly<Record<string, unknown>>,
  action: () => Promise<T>,
): Promise<T> {
  const configuration = vscode.workspace.getConfiguration('curvature');
  const set = async (value: (key: string) => unknown): Promise<void> => {
    for (const key of Object.keys(values)) {
      await configuration.update(key, value(key), vscode.ConfigurationTarget.Workspace);
    }
  };
  await set(key => values[key]);
  try {
    return await action();
  } finally {
    await set(() => undefined);
  }
}

export interface ShownError {
  readonly message: string;
  readonly actions: readonly string[];
}

/** Catches error messages, and answers each with `choose`: under test VS Code shows none. */
export async function catchingErrors<T>(
  choose: (error: ShownError) => string | undefined,
  action: (shown: readonly ShownError[]) => Promise<T>,
): Promise<T> {
  const window = vscode.window as { showErrorMessage: unknown };
  const original = window.showErrorMessage;
  const shown: ShownError[] = [];
  window.showErrorMessage = (message: string, ...actions: string[]) => {
    const error = { message, actions };
    shown.push(error);
    return Promise.resolve(choose(error));
  };
  try {
    return await action(shown);
  } finally {
    window.showErrorMessage = original;
  }
}
