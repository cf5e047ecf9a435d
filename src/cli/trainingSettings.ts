import { createInterface } from 'node:readline/promises';
import { cancelled, CurvatureError } from '../engine/errors';
import { type Optimizer, optimizers, type Training } from '../engine/training/optimizers';
import { trainingSchema } from '../engine/training/projectFile';
import { completed, type Needed, usualBatchSize, usualMomentum } from '../engine/training/settings';
import { writeResult } from './files';
import { readProject } from './project';

/** What is asked for each setting, and what Enter alone takes. */
const questions: Record<
  keyof Training,
  { question: string; usual: (optimizer: Optimizer) => string | number }
> = {
  optimizer: { question: `Optimizer (${optimizers.join(', ')})`, usual: () => 'sgd' },
  learningRate: { question: 'Learning rate', usual: () => 0.1 },
  batchSize: { question: 'Batch size', usual: () => usualBatchSize },
  momentum: { question: "Momentum (Adam's first beta)", usual: usualMomentum },
};

const flagOf: Record<Needed, string> = { learningRate: '--lr', batchSize: '--batch-size' };

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
  const given = { ...project.training, ...defined(flags) };
  // Adam's first β is hardly ever set; momentum is asked for.
  const known = given.optimizer === 'adam' ? { momentum: usualMomentum('adam'), ...given } : given;
  const open = (Object.keys(questions) as (keyof Training)[]).filter(key => known[key] === undefined);
  const isAsked = open.length > 0 && process.stdin.isTTY && process.stderr.isTTY;
  const settled = completed(isAsked ? { ...known, ...(await ask(open)) } : known);
  if ('missing' in settled)
    throw new CurvatureError(
      'option-invalid',
      `The training settings lack ${settled.missing.map(key => flagOf[key]).join(' and ')}.`,
      `Give them on the command line (--save keeps them), or in ${file}.`,
    );
  const { training } = settled;
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

async function ask(missing: readonly (keyof Training)[]): Promise<Partial<Training>> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answers: Record<string, string | number> = {};
  try {
    for (const key of missing) {
      const { question, usual } = questions[key];
      const standard = usual(answers.optimizer === 'adam' ? 'adam' : 'sgd');
      const answer = (await terminal.question(`${question} [${standard}]: `)).trim() || standard;
      answers[key] = key === 'optimizer' ? answer : Number(answer);
    }
  } catch (error) {
    // Ctrl-C and Ctrl-D end the question.
    throw (error as Error).name === 'AbortError' ? cancelled() : error;
  } finally {
    terminal.close();
  }
  // What was typed is checked against the schema, as what stands in the file is.
  return answers;
}
