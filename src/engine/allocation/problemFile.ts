import { z } from 'zod';
import { CurvatureError } from '../errors';
import { type AllocationProblem, type Limit } from './problem';

const nonNegative = z.number().nonnegative();

const problemSchema = z.object({
  layers: z
    .array(
      z.object({
        name: z.string().min(1),
        parameters: z.number().int().positive().optional(),
        averageTrace: z.number().optional(),
        choices: z
          .array(
            z.object({
              bits: z.number().positive(),
              sensitivity: z.number(),
              stderr: nonNegative.optional(),
              costs: z.record(z.string(), nonNegative),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
  budgets: z.array(z.object({ cost: z.string(), limit: nonNegative })).default([]),
  ties: z.array(z.array(z.string())).default([]),
  pins: z.record(z.string(), z.number()).default({}),
});

export interface ProblemFile {
  readonly problem: AllocationProblem;
  readonly budgets: readonly Limit[];
}

const ISSUES_SHOWN = 3;

/** Checks what was read from a problem file. Throws `problem-invalid` naming the field, and what was expected. */
export function problemFrom(value: unknown): ProblemFile {
  const result = problemSchema.safeParse(value);
  if (!result.success) {
    const issues = result.error.issues
      .slice(0, ISSUES_SHOWN)
      .map(({ path, message }) => `${pathText(path) || 'the file'}: ${message}`);
    const more = result.error.issues.length - issues.length;
    throw invalid(
      `The problem is not well formed: ${issues.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`,
    );
  }
  const { budgets, ...problem } = result.data;
  checkLayers(problem);
  return { problem, budgets };
}

function checkLayers({ layers }: AllocationProblem): void {
  const names = new Set<string>();
  const costs = Object.keys(layers[0].choices[0].costs);
  for (const { name, choices } of layers) {
    if (names.has(name)) throw invalid(`Two layers are named '${name}'.`);
    names.add(name);
    const widths = new Set<number>();
    for (const choice of choices) {
      if (widths.has(choice.bits)) throw invalid(`Layer '${name}' has two choices of ${choice.bits} bits.`);
      widths.add(choice.bits);
      const given = Object.keys(choice.costs);
      const missing = costs.find(cost => !given.includes(cost));
      const extra = given.find(cost => !costs.includes(cost));
      if (missing === undefined && extra === undefined) continue;
      const which = missing === undefined ? `has a cost '${extra}'` : `has no cost '${missing}'`;
      throw invalid(
        `Layer '${name}' at ${choice.bits} bits ${which}, unlike the first choice of the first layer.`,
        'Give all choices the same costs.',
      );
    }
  }
}

const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key),
    '',
  );

const EXPECTED =
  'Expected is { layers: [{ name, choices: [{ bits, sensitivity, costs: { NAME: number } }] }], budgets: [{ cost, limit }], ties: [[layer, layer]], pins: { layer: bits } }.';

const invalid = (message: string, hint = EXPECTED): CurvatureError =>
  new CurvatureError('problem-invalid', message, hint);
