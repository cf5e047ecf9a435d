import { type LossKind, type LossSpec } from '../autodiff/loss';
import type { DataArray } from '../data/array';
import { CurvatureError } from '../errors';
import { GraphBuilder } from '../graph/builder';
import { dependents } from '../graph/topology';
import { isFloat, numElements } from '../onnx/tensor';
import { reshape, transpose } from '../ops/emit';
import type { Prepared } from '../runtime/prepare';
import { chooseLoss, type OutputLoss } from './chooseLoss';
import type { BatchShape } from './outputSamples';
import { endWithoutLogits } from './outputEnd';

export interface ChosenLoss {
  /** The prepared graph up to the value that the loss is taken of. */
  readonly prepared: Prepared;
  readonly loss: LossSpec;
  /** The outputs that are measured. */
  readonly outputs: readonly string[];
  /** Sentences about what was chosen and left out. */
  readonly notes: readonly string[];
}

/** Keys and values that a decoder hands to its own next step. */
const cache = /^present|past_key|key_values/;

interface Candidate extends OutputLoss {
  readonly output: string;
}

/**
 * The loss over the outputs of a model: with labels that of the first output that they fit, without labels the sum over all.
 * @param named outputs to choose among; by default all of floats that depend on parameters
 */
export function chooseLosses(
  prepared: Prepared,
  parameters: ReadonlySet<string>,
  named: readonly string[] | undefined,
  batch: BatchShape,
  choice: LossKind | 'auto',
  labels: DataArray | 'assumed' | undefined,
): ChosenLoss {
  const outputs = named ?? defaultOutputs(prepared, parameters);
  const errors: CurvatureError[] = [];
  const fitting = outputs.flatMap((output): Candidate[] => {
    try {
      return [{ output, ...chooseLoss(prepared, output, batch, choice, labels) }];
    } catch (error) {
      if (!(error instanceof CurvatureError)) throw error;
      errors.push(error);
      return [];
    }
  });
  if (fitting.length === 0 || (named && errors.length > 0 && !labels)) throw errors[0];
  const measured = labels ? fitting.slice(0, 1) : fitting;
  const left = prepared.graph.outputs.filter(o => !measured.some(m => m.output === o));
  return {
    ...joined(prepared, measured),
    outputs: measured.map(m => m.output),
    notes: [
      ...(labels ? [] : [describe(prepared, measured)]),
      ...(left.length > 0 && !named ? [leftOut(measured, left, labels)] : []),
    ],
  };
}

function defaultOutputs({ graph, types }: Prepared, parameters: ReadonlySet<string>): readonly string[] {
  const trained = dependents(graph.nodes, parameters);
  const ofFloats = graph.outputs.filter(o => {
    const type = types.get(o);
    return trained.has(o) && type !== undefined && isFloat(type.elemType);
  });
  const proper = ofFloats.filter(o => !cache.test(o));
  // With nothing to choose from, the first output tells what is wrong.
  return [proper, ofFloats, graph.outputs.slice(0, 1)].find(list => list.length > 0) ?? [];
}

function describe({ graph }: Prepared, measured: readonly Candidate[]): string {
  const parts = measured.map(({ output, spec }) => {
    const end = endWithoutLogits(graph, output);
    const why = spec.kind === 'mse' && end ? `, which ends in ${end} and is no distribution` : '';
    return `${spec.kind} of "${output}"${why}`;
  });
  const sum = parts.length > 1 ? 'the sum of ' : '';
  return `The loss is taken of the model against its own outputs: ${sum}${parts.join('; ')}.`;
}

function leftOut(
  measured: readonly Candidate[],
  left: readonly string[],
  labels: DataArray | 'assumed' | undefined,
): string {
  const names = left.map(o => `"${o}"`).join(', ');
  const reason = labels
    ? `The labels are taken for output "${measured[0].output}"`
    : 'Only outputs of floats that depend on weights are measured, and no caches of a decoder';
  return `${reason}; left out: ${names}. Choose others with --outputs.`;
}

/** Lays the outputs side by side where there are several, and each out by samples. */
function joined(
  { graph, types }: Prepared,
  measured: readonly Candidate[],
): { prepared: Prepared; loss: LossSpec } {
  const b = new GraphBuilder(graph, types);
  const known = new Map(types);
  const laidOut = ({ spec, sampleAxis }: Candidate, shape: readonly number[]): string => {
    const own = types.get(spec.logits)!.shape;
    const axes = own.map((_, axis) => axis);
    const order = [...axes.filter(axis => axis === sampleAxis), ...axes.filter(axis => axis !== sampleAxis)];
    const moved = order.map(axis => own[axis]);
    const samplesFirst = transpose(b, spec.logits, order);
    known.set(samplesFirst, { elemType: 'float32', shape: moved });
    const value = reshape(b, samplesFirst, moved, shape);
    known.set(value, { elemType: 'float32', shape });
    return value;
  };
  // Inputs stay, for whoever feeds the model as it is.
  const reducedTo = (logits: string): Prepared => ({
    graph: { ...b.build([logits]), inputs: graph.inputs },
    types: known,
  });
  const [{ spec: first }] = measured;
  if (measured.length === 1) {
    const loss = { ...first, logits: laidOut(measured[0], first.shape) };
    return { prepared: reducedTo(loss.logits), loss };
  }
  const [samples] = first.shape;
  const widths = measured.map(({ spec }) => numElements(spec.shape.slice(1)));
  const flat = measured.map((m, i) => laidOut(m, [samples, widths[i]]));
  const shape = [samples, widths.reduce((sum, w) => sum + w, 0)];
  const logits = b.add('Concat', flat, { axis: { int: 1 } });
  known.set(logits, { elemType: 'float32', shape });
  const parts = measured.map(({ spec }) => ({ ...spec, logits }));
  const kind = parts.some(p => p.kind === 'kl') ? 'kl' : 'mse';
  return {
    prepared: reducedTo(logits),
    loss: { kind, logits, shape, classAxis: 1, isLabelled: false, parts },
  };
}
