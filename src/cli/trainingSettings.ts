import { createInterface } from 'node:readline/promises';
import { cancelled, CurvatureError } from '../engine/errors';
import { optimizers, type Training } from '../engine/training/optimizers';
import { trainingSchema } from '../engine/training/projectFile';
import { writeResult } from './files';
import { readProject } from './project';

/** What is asked for each setting, and what Enter alone takes. */
const questions = {
  optimizer: { question: `Optimizer (${optimizers.join(', ')})`, usual: 'sgd' },
  learningRate: { question: 'Learning rate', usual: undefined },
  batchSize: { question: 'Batch size', usual: '32' },
  momentum: { question: "Momentum (Adam's first beta)", usual: undefined },
} as const satisfies Record<keyof Training, { question: string; usual?: string }>;

const flagOf: Record<keyof Training, string> = {
  ...{ learningRate: '--lr', batchSize: '--batch-size', momentum: '--momentum', optimizer: '--optimizer' },
};

/**
 * What a model is trained with: from the command line, else from the project's file, else asked for where there is a terminal. What was asked for
 * is kept in the file, and with `save` also what the command line says.
 */
export async function trainingSettings(
  model: string,
  flags: Partial<Training>,
  save: boolean,
): Promise<Training> {
  const { file, project } = await readProject(model);
  const plain: Partial<Training> = { optimizer: 'sgd', momentum: 0 };
  const given = { ...project.training, ...defined(flags) };
  const known = { ...given, momentum: given.momentum ?? (given.optimizer === 'adam' ? 0.9 : undefined) };
  const missing = (Object.keys(questions) as (keyof Training)[]).filter(key => known[key] === undefined);
  const isAsked = missing.length > 0 && process.stdin.isTTY && process.stderr.isTTY;
  if (missing.length > 0 && !isAsked) {
    // Plain SGD is what most people mean by no momentum, so that two numbers are enough.
    const needed = missing.filter(key => key === 'learningRate' || key === 'batchSize');
    if (needed.length > 0) {
      throw new CurvatureError(
        'option-invalid',
        `The training settings lack ${needed.map(key => flagOf[key]).join(' and ')}.`,
        `Give them on the command line (--save keeps them), or in ${file}.`,
      );
    }
  }
  const answers = isAsked ? await ask(missing) : {};
  const training = { ...plain, ...defined(known), ...answers };
  const result = trainingSchema.safeParse(training);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new CurvatureError('option-invalid', `${issue.path.map(String).join('.')}: ${issue.message}.`);
  }
  if (save || isAsked)
    await writeResult(file, `${JSON.stringify({ ...project, training: result.data }, null, 2)}\n`);
  return result.data;
}

const defined = <T extends object>(settings: T): T =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as T;

async function ask(missing: readonly (keyof Training)[]): Promise<Record<string, unknown>> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answers: Record<string, unknown> = {};
  try {
    for (const key of missing) {
      const usual =
        questions[key].usual ?? (key === 'momentum' ? (answers.optimizer === 'adam' ? '0.9' : '0') : '0.1');
      const answer = (await terminal.question(`${questions[key].question} [${usual}]: `)).trim() || usual;
      answers[key] = key === 'optimizer' ? answer : Number(answer);
    }
  } catch (error) {
    // Ctrl-C and Ctrl-D end the question.
    throw (error as Error).name === 'AbortError' ? cancelled() : error;
  } finally {
    terminal.close();
  }
  return answers;
}
