import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CurvatureError } from '../engine/errors';
import { parseProject, type Project, PROJECT_FILE } from '../engine/training/projectFile';
import { systemReason } from '../engine/util/systemReason';

export interface ProjectFile {
  readonly file: string;
  readonly project: Project;
}

/** The project's file beside the model, or else in the working directory; where there is none, an empty one beside the model. */
export async function readProject(model: string): Promise<ProjectFile> {
  const beside = path.join(path.dirname(model), PROJECT_FILE);
  for (const file of [beside, PROJECT_FILE]) {
    const text = await textOf(file);
    if (text !== undefined) return { file, project: parseProject(text, file) };
  }
  return { file: beside, project: {} };
}

/** Undefined where there is no such file. */
async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CurvatureError('option-invalid', `'${file}' can't be read: ${systemReason(error)}.`);
  }
}
