import * as vscode from 'vscode';
import { optimizers, type Optimizer, type Training } from '../engine/training/optimizers';
import { parseProject, type Project, PROJECT_FILE } from '../engine/training/projectFile';
import { exists } from './modelUri';
import { Cancelled } from './userError';

/**
 * What a model is trained with: from `curvature.json` beside the model or in its workspace folder, else asked for once and kept there.
 * @param askAgain ask even where all is known, with what is known as the answers at hand
 */
export async function trainingOf(model: vscode.Uri, askAgain = false): Promise<Training> {
  const file = await projectFileOf(model);
  const project: Project = (await exists(file))
    ? parseProject(Buffer.from(await vscode.workspace.fs.readFile(file)).toString('utf8'), file.fsPath)
    : {};
  const known = project.training ?? {};
  const { optimizer = 'sgd', learningRate, batchSize } = known;
  const momentum = known.momentum ?? (optimizer === 'adam' ? 0.9 : 0);
  if (!askAgain && learningRate !== undefined && batchSize !== undefined)
    return { optimizer, learningRate, batchSize, momentum };
  const training = await ask({ ...known, optimizer });
  const text = `${JSON.stringify({ ...project, training }, null, 2)}\n`;
  await vscode.workspace.fs.writeFile(file, Buffer.from(text));
  return training;
}

async function projectFileOf(model: vscode.Uri): Promise<vscode.Uri> {
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
  const isAdam = optimizer === 'adam';
  const learningRate = await askNumber('Training (2/4)', 'Learning rate', known.learningRate, x => x > 0);
  const batchSize = await askNumber(
    'Training (3/4)',
    'Samples per step',
    known.batchSize ?? 32,
    x => Number.isInteger(x) && x > 0,
  );
  const momentum = await askNumber(
    'Training (4/4)',
    isAdam ? 'β₁' : 'Momentum, 0 for none',
    known.momentum ?? (isAdam ? 0.9 : 0),
    x => x >= 0 && x < 1,
  );
  return { optimizer, learningRate, batchSize, momentum };
}

async function askNumber(
  title: string,
  prompt: string,
  known: number | undefined,
  isValid: (value: number) => boolean,
): Promise<number> {
  const read = (text: string): number => (text.trim() === '' ? NaN : Number(text));
  const answer = await vscode.window.showInputBox({
    ...{ title, prompt, value: known === undefined ? '' : String(known) },
    validateInput: text => (isValid(read(text)) ? undefined : `${prompt}: ${text || 'nothing'} will not do.`),
  });
  if (answer === undefined) throw new Cancelled('no training settings were given');
  return read(answer);
}
