import * as vscode from 'vscode';
import { activeModel, isModel, toModelUri } from '../modelUri';
import { UserError } from '../userError';

/** What a menu, a link or another command may hand over as a resource. */
export type Resource = vscode.Uri | string | undefined;

/** The model that a command is meant for: the one handed over, or the one in front. */
export function modelFor(resource: Resource): vscode.Uri {
  const uri = typeof resource === 'string' ? vscode.Uri.parse(resource, true) : resource;
  const model = uri ? toModelUri(uri) : activeModel();
  if (!model)
    throw new UserError('No ONNX model is open.', 'Open a .onnx file, or right-click one in the Explorer.');
  if (!isModel(model)) throw new UserError(`${model.fsPath} is not a .onnx file.`);
  return model;
}
