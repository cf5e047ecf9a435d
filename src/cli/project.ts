import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseProject, type Project, PROJECT_FILE } from '../engine/training/projectFile';

export interface ProjectFile {
  readonly file: string;
  readonly project: Project;
}

/** The project's file beside the model, or else in the working directory; where there is none, an empty one beside the model. */
export async function readProject(model: string): Promise<ProjectFile> {
  const beside = path.join(path.dirname(model), PROJECT_FILE);
  for (const file of [beside, PROJECT_FILE]) {
    try {
      return { file, project: parseProject(await readFile(file, 'utf8'), file) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return { file: beside, project: {} };
}
