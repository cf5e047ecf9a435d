import path from 'node:path';
import { hvpGraph } from '../curvature/productGraphs';
import { boundInputs } from '../curvature/problem';
import type { InputArray } from '../data/array';
import { CurvatureError } from '../errors';
import { writeGraph } from '../graph/writeGraph';
import { settledTypes } from '../runtime/settledTypes';
import { chooseParameters } from './chooseParameters';
import { openModel, requireLayers } from './model';
import type { HvpOptions } from './options';
import { setUp } from './setUp';

/** Batch of an exported graph when there are no data to take it from. */
const DEFAULT_BATCH = 1;

export interface ExportedHvp {
  readonly parameters: readonly string[];
  readonly batch: number;
  /** Inputs of the model that the graph does not have, since it holds their values. */
  readonly builtIn: readonly InputArray[];
  /** What is to be known of the samples. */
  readonly notes: readonly string[];
}

/**
 * Writes the Hessian-vector product of the mean loss over one batch as an ONNX file. Inputs: the model's, without those that are built
 * in, `labels` or `targets` where the loss has them, and `NAME/tangent`; outputs: `loss`, `NAME/gradient`, `NAME/hvp`.
 */
export async function exportHvp(options: HvpOptions): Promise<ExportedHvp> {
  const model = openModel(options.model);
  requireLayers(model);
  const { problem, parameters, diagnostics } = await setUp(model, {
    ...{
      data: options.data,
      loss: options.loss,
      outputs: options.outputs,
      seed: 0,
      executionProvider: 'cpu',
    },
    // Whoever names a loss with labels will feed them; `auto` takes the loss that the data allow.
    assumeLabels: options.loss !== 'auto' && options.loss !== 'kl',
    batch: options.batch ?? (options.data === undefined ? DEFAULT_BATCH : Infinity),
  });
  const chosen = chooseParameters(parameters, model.layers, options.parameters);
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
  writeGraph(options.output, { ...graph, inputs }, outputs);
  const builtIn = boundInputs(problem.dataset);
  const notes = diagnostics.filter(d => d.code === 'whole-sample').map(d => d.message);
  return { parameters: chosen.map(p => p.name), batch: problem.batch, builtIn, notes };
}
