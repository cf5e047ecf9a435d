import * as vscode from 'vscode';

/** The scheme of a model's text. Its paths end in `.onnx.nodes`, by which VS Code finds the language. */
export const TEXT_SCHEME = 'curvature-model';
export const TEXT_LANGUAGE = 'curvature-model';
const SUFFIX = '.nodes';

export const toTextUri = (model: vscode.Uri): vscode.Uri =>
  model.with({ scheme: TEXT_SCHEME, path: model.path + SUFFIX });

/** The model that a resource stands for: itself, or the one whose text it is. */
export const toModelUri = (resource: vscode.Uri): vscode.Uri =>
  resource.scheme === TEXT_SCHEME
    ? vscode.Uri.file(resource.with({ scheme: 'file' }).path.slice(0, -SUFFIX.length))
    : resource;

export const isModel = (uri: vscode.Uri): boolean => uri.path.toLowerCase().endsWith('.onnx');
export const withoutExtension = (model: vscode.Uri): vscode.Uri =>
  model.with({ path: model.path.replace(/\.onnx$/i, '') });
export const isReport = (uri: vscode.Uri): boolean => uri.path.toLowerCase().endsWith('.curvature.json');

/** The resource of the tab in front, also where it is a custom editor. */
export function activeResource(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom
    ? input.uri
    : undefined;
}

/** The model of the tab in front. */
export function activeModel(): vscode.Uri | undefined {
  const resource = activeResource();
  const model = resource && toModelUri(resource);
  return model && isModel(model) ? model : undefined;
}

export const fileName = (uri: vscode.Uri): string => uri.path.slice(uri.path.lastIndexOf('/') + 1);

export const exists = (uri: vscode.Uri): Promise<boolean> =>
  Promise.resolve(vscode.workspace.fs.stat(uri)).then(
    () => true,
    () => false,
  );
