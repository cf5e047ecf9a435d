import * as vscode from 'vscode';
import { optimizers, type Optimizer, type Training } from '../engine/training/optimizers';
import { parseProject, type Project, PROJECT_FILE, trainingSchema } from '../engine/training/projectFile';
import { completed, usualBatchSize, usualMomentum } from '../engine/training/settings';
import { exists } from './modelUri';
import { Cancelled } from './userError';

/**
 * What a model is trained with: from `curvature.json` beside the model or in its workspace folder, else asked for once and kept there.
 * @param askAgain ask even where all is known, with what is known as the answers at hand
 */
export async function trainingOf(model: vscode.Uri, askAgain = false): Promise<Training> {
  const file = await projectFileOf(model);
  const project: Project = (await exists(file)) ? parseProject(await textIn(file), file.fsPath) : {};
  const known = project.training ?? {};
  const settled = completed(known);
  if (!askAgain && 'training' in settled) return settled.training;
  const training = await ask(known);
  const text = `${JSON.stringify({ ...project, training }, null, 2)}\n`;
  await vscode.workspace.fs.writeFile(file, Buffer.from(text));
  return training;
}

/** As it is in the editor, where it is open. */
async function textIn(file: vscode.Uri): Promise<string> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === file.toString());
  return open?.getText() ?? Buffer.from(await vscode.workspace.fs.readFile(file)).toString('utf8');
}

/** The project's file that holds for a model, there or not yet. */
export async function projectFileOf(model: vscode.Uri): Promise<vscode.Uri> {
  const beside = vscode.Uri.joinPath(model, '..', PROJECT_FILE);
  const folder = vscode.workspace.getWorkspaceFolder(model);
  const atRoot = folder && vscode.Uri.joinPath(folder.uri, PROJECT_FILE);
  return atRoot && !(await exists(beside)) && (await exists(atRoot)) ? atRoot : beside;
}

const names: Record<Optimizer, string> = {
  sgd: 'SGD, with or without momentum',
  nesterov: 'SGD with Nesterov momentum',
  adam: 'Adam',
};

async function ask(known: Partial<Training>): Promise<Training> {
  const items = optimizers.map(optimizer => ({ label: names[optimizer], optimizer }));
  const placeHolder = 'Which optimizer is the model trained with?';
  const chosen = await vscode.window.showQuickPick(items, { title: 'Training (1/4)', placeHolder });
  if (!chosen) throw new Cancelled('no optimizer was chosen');
  const { optimizer } = chosen;
  const { learningRate, batchSize = usualBatchSize, momentum = usualMomentum(optimizer) } = known;
  return {
    optimizer,
    learningRate: await askNumber('Training (2/4)', 'Learning rate', 'learningRate', learningRate),
    batchSize: await askNumber('Training (3/4)', 'Samples per step', 'batchSize', batchSize),
    momentum: await askNumber('Training (4/4)', momentumPrompt(optimizer), 'momentum', momentum),
  };
}

const momentumPrompt = (optimizer: Optimizer): string =>
  optimizer === 'adam' ? 'β₁' : 'Momentum, 0 for none';

async function askNumber(
  title: string,
  prompt: string,
  setting: 'learningRate' | 'batchSize' | 'momentum',
  known: number | undefined,
): Promise<number> {
  const read = (text: string): number => (text.trim() === '' ? NaN : Number(text));
  const isValid = (text: string): boolean => trainingSchema.shape[setting].safeParse(read(text)).success;
  const answer = await vscode.window.showInputBox({
    ...{ title, prompt, value: known === undefined ? '' : String(known) },
    validateInput: text => (isValid(text) ? undefined : `${prompt}: ${text || 'nothing'} will not do.`),
  });
  if (answer === undefined) throw new Cancelled('no training settings were given');
  return read(answer);
}
