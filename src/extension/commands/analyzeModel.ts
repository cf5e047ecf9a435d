import * as vscode from 'vscode';
import type { Ctx } from '../ctx';
import { activeModel, fileName } from '../modelUri';
import { Cancelled } from '../userError';
import { analyzeCurvature } from './analyzeCurvature';

const MOST_LISTED = 200;

interface ModelItem extends vscode.QuickPickItem {
  readonly model?: vscode.Uri;
}

/** The palette's way in: asks for a model of the workspace or of the disk, the one in front coming first. */
export async function analyzeModel(ctx: Ctx): Promise<void> {
  const active = activeModel();
  const found = await vscode.workspace.findFiles('**/*.onnx', '**/node_modules/**', MOST_LISTED);
  const others = found
    .filter(model => model.toString() !== active?.toString())
    .sort((a, b) => a.path.localeCompare(b.path));
  const models = active ? [active, ...others] : others;
  const browse: ModelItem = { label: '$(folder-opened) Browse…', alwaysShow: true };
  const chosen = models.length
    ? await vscode.window.showQuickPick<ModelItem>([...models.map(toItem), browse], {
        title: 'Analyze Model',
        placeHolder: 'Which ONNX model?',
        matchOnDescription: true,
      })
    : browse;
  if (!chosen) throw new Cancelled('no model was chosen');
  await analyzeCurvature(ctx, chosen.model ?? (await browseForModel()));
}

const toItem = (model: vscode.Uri): ModelItem => ({
  label: `$(file-binary) ${fileName(model)}`,
  description: vscode.workspace.asRelativePath(vscode.Uri.joinPath(model, '..')),
  model,
});

async function browseForModel(): Promise<vscode.Uri> {
  const [file] =
    (await vscode.window.showOpenDialog({ title: 'Analyze Model', filters: { 'ONNX models': ['onnx'] } })) ??
    [];
  if (!file) throw new Cancelled('no model was chosen');
  return file;
}
