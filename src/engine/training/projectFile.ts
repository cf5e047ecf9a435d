import { z } from 'zod';
import { CurvatureError } from '../errors';
import { optimizers } from './optimizers';

/** The name of a project's file, beside its models or in the folder that commands run in. */
export const PROJECT_FILE = 'curvature.json';

export const trainingSchema = z.strictObject({
  learningRate: z.number().positive().describe('Step size η.'),
  batchSize: z.number().int().positive().describe('Samples per step.'),
  momentum: z.number().min(0).lt(1).describe("PyTorch's momentum β with dampening 0, or Adam's first β."),
  optimizer: z.enum(optimizers).describe('sgd is heavy ball where momentum is not 0.'),
});

export const projectSchema = z.object({
  $schema: z.string().optional(),
  training: trainingSchema.partial().optional().describe('What the models of this project are trained with.'),
});

/** Settings of a project that hold for all of its models. */
export type Project = z.infer<typeof projectSchema>;

/**
 * Reads a project's file. Throws `option-invalid` naming the file, the field and what was expected.
 */
export function parseProject(text: string, file: string): Project {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CurvatureError('option-invalid', `'${file}' is not JSON: ${(error as Error).message}.`);
  }
  const result = projectSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new CurvatureError(
    'option-invalid',
    `'${file}': ${issue.path.map(String).join('.') || 'the file'}: ${issue.message}.`,
    'It holds, for example: { "training": { "learningRate": 0.1, "batchSize": 32, "momentum": 0.9, "optimizer": "sgd" } }',
  );
}

/** The file's format as a JSON schema (draft 7, the newest that VS Code's JSON editor knows in full). */
export function projectJsonSchema(): string {
  const schema = z.toJSONSchema(projectSchema, { target: 'draft-7' });
  return `${JSON.stringify({ title: 'Curvature project', ...schema }, null, 2)}\n`;
}
