import * as vscode from 'vscode';
import { exists, fileName } from './modelUri';

/** The data a model is analysed on. `none` means label-free on synthetic inputs. */
export type DataChoice = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'none' };

interface ChoiceItem extends vscode.QuickPickItem {
  readonly pick: () => Promise<DataChoice | undefined>;
}

/** Finds the data of a model, asks where there is none, and remembers the answer for the workspace. */
export class DataChoices {
  constructor(private readonly memory: vscode.Memento) {}

  /** What was chosen before, else `MODEL.npz` beside the model, else the user's choice; undefined when they cancel. */
  async find(model: vscode.Uri): Promise<DataChoice | undefined> {
    const remembered = this.memory.get<DataChoice>(keyOf(model));
    if (remembered?.kind === 'none') return remembered;
    if (remembered && (await exists(vscode.Uri.file(remembered.path)))) return remembered;
    const beside = besideModel(model);
    if (await exists(beside)) return { kind: 'file', path: beside.fsPath };
    return this.choose(model);
  }

  /** Asks. */
  async choose(model: vscode.Uri): Promise<DataChoice | undefined> {
    const beside = besideModel(model);
    const items: ChoiceItem[] = [
      ...((await exists(beside))
        ? [
            item('$(file-binary) ' + fileName(beside), 'Beside the model', () => ({
              kind: 'file',
              path: beside.fsPath,
            })),
          ]
        : []),
      item(
        '$(folder-opened) Choose data file (.npz)…',
        'Arrays named as the model’s inputs; labels or targets',
        () => pickFile(model),
      ),
      item(
        '$(beaker) Analyze without data (label-free, synthetic inputs)',
        'Rough: real inputs give better traces',
        () => ({ kind: 'none' }),
      ),
    ];
    const chosen = await vscode.window.showQuickPick(items, {
      title: `Data for ${fileName(model)}`,
      placeHolder: 'Which data should the curvature be measured on?',
    });
    const choice = await chosen?.pick();
    if (choice) await this.remember(model, choice);
    return choice;
  }

  async remember(model: vscode.Uri, choice: DataChoice | undefined): Promise<void> {
    await this.memory.update(keyOf(model), choice);
  }
}

const keyOf = (model: vscode.Uri): string => `curvature.data:${model.toString()}`;

/** `models/net.onnx` → `models/net.npz`. */
const besideModel = (model: vscode.Uri): vscode.Uri =>
  model.with({ path: model.path.replace(/\.onnx$/i, '.npz') });

const item = (
  label: string,
  detail: string,
  pick: () => DataChoice | undefined | Promise<DataChoice | undefined>,
): ChoiceItem => ({ label, detail, pick: async () => pick() });

async function pickFile(model: vscode.Uri): Promise<DataChoice | undefined> {
  const [file] =
    (await vscode.window.showOpenDialog({
      title: `Data for ${fileName(model)}`,
      defaultUri: vscode.Uri.joinPath(model, '..'),
      filters: { 'NumPy archives': ['npz'] },
    })) ?? [];
  return file && { kind: 'file', path: file.fsPath };
}
