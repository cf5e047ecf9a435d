import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { hvpGraph } from '../curvature/productGraphs';
import type { Parameter } from '../curvature/parameters';
import { CurvatureError } from '../errors';
import { encodeGraph } from '../graph/toModel';
import { settledTypes } from '../runtime/settledTypes';
import { openModel } from './model';
import type { HvpOptions } from './options';
import { setUp } from './setUp';

/** Batch of an exported graph when there are no data to take it from. */
const DEFAULT_BATCH = 1;

/**
 * Writes the Hessian-vector product of the mean loss over one batch as an ONNX file. Inputs: the model's, `labels` or
 * `targets` where the loss has them, and `NAME/tangent`; outputs: `loss`, `NAME/gradient`, `NAME/hvp`.
 */
export async function exportHvp(
  options: HvpOptions,
): Promise<{ readonly parameters: readonly string[]; readonly batch: number }> {
  const model = openModel(options.model);
  const { problem, parameters, diagnostics } = await setUp(model, {
    ...{ data: options.data, loss: options.loss, seed: 0, executionProvider: 'cpu' },
    // Whoever names a loss with labels will feed them; `auto` takes the loss that the data allow.
    assumeLabels: options.loss !== 'auto' && options.loss !== 'kl',
    batch: options.batch ?? (options.data === undefined ? DEFAULT_BATCH : Infinity),
  });
  const chosen = choose(parameters, options.parameters);
  if (chosen.length === 0) {
    const [blocking] = diagnostics.filter(d => d.code === 'no-derivative');
    throw new CurvatureError(
      'model-unsupported',
      `No parameter of ${path.basename(options.model)} can be differentiated.`,
      blocking?.message,
    );
  }
  const graph = await hvpGraph(problem.prepared, problem.loss, 'mean', chosen);
  const inputs = [
    ...problem.prepared.graph.inputs,
    ...graph.inputs.filter(i => !problem.prepared.graph.inputs.some(p => p.name === i.name)),
  ];
  const types = await settledTypes(graph, problem.prepared.types);
  const outputs = graph.outputs.map(name => ({ name, ...types.get(name)! }));
  writeFileSync(options.output, encodeGraph({ ...graph, inputs }, outputs));
  return { parameters: chosen.map(p => p.name), batch: problem.batch };
}

/** Parameters whose names match any of the globs, in which `*` stands for any run of characters and `?` for one. */
function choose(
  parameters: readonly Parameter[],
  globs: readonly string[] | undefined,
): readonly Parameter[] {
  if (!globs || globs.length === 0) return parameters;
  const patterns = globs.map(glob => ({
    glob,
    pattern: new RegExp(
      `^${glob
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replace(/\*/g, '.*')
        .replace(/\?/g, '.')}$`,
    ),
  }));
  for (const { glob, pattern } of patterns) {
    if (!parameters.some(p => pattern.test(p.name))) {
      throw new CurvatureError(
        'option-invalid',
        `No parameter matches "${glob}".`,
        `The model has: ${parameters
          .slice(0, 20)
          .map(p => p.name)
          .join(', ')}${parameters.length > 20 ? ', …' : ''}`,
      );
    }
  }
  return parameters.filter(p => patterns.some(({ pattern }) => pattern.test(p.name)));
}
