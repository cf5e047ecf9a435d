import type { LossKind, LossSpec } from '../autodiff/loss';
import type { DataArray } from '../data/array';
import { CurvatureError } from '../errors';
import { type Graph, intAttribute } from '../graph/graph';
import { isFloat } from '../onnx/tensor';
import { normalizeAxis, sameShape } from '../ops/rule';
import type { Prepared } from '../runtime/prepare';
import { endWithoutLogits, finalSoftmax } from './outputEnd';
import { axisAmongSamplesFirst, type BatchShape, samplesFirst } from './outputSamples';

/** A loss over an output, for its samples on axis 0. */
export interface OutputLoss {
  readonly spec: LossSpec;
  /** The output's own axis of samples. */
  readonly sampleAxis: number;
}

/**
 * The loss over one output of a model. `auto` takes cross-entropy for class labels, mse for targets, and without labels kl
 * where the output can be the logits of a distribution, else mse of the model against itself.
 * @param batch an output that lays several positions of a sample one after the other on axis 0 has a multiple of its samples
 * there, and counts as [samples, positions, …]
 * @param labels as the data file has them, their sample axis perhaps longer than the batch; `assumed` builds a graph for
 * labels of the usual shape that are still to come
 */
export function chooseLoss(
  prepared: Prepared,
  output: string,
  batch: BatchShape,
  choice: LossKind | 'auto',
  labels: DataArray | 'assumed' | undefined,
): OutputLoss {
  const type = prepared.types.get(output);
  if (!type || !isFloat(type.elemType)) {
    const found = type ? `holds ${type.elemType} values, not floats` : 'is no tensor';
    throw new CurvatureError(
      'model-unsupported',
      `Output "${output}" ${found}: no loss can be differentiated.`,
    );
  }
  const { shape, sampleAxis } = samplesFirst(output, type.shape, batch);
  const kind = choice === 'auto' ? automatic(prepared.graph, output, shape, labels) : choice;
  if (kind === 'mse') {
    if (labels && labels !== 'assumed') requireTargets(labels, shape, batch);
    const classAxis = shape.length - 1;
    return {
      spec: { kind, logits: output, shape, classAxis, isLabelled: labels !== undefined },
      sampleAxis,
    };
  }
  if (shape.length < 2) {
    throw new CurvatureError(
      'option-invalid',
      `The loss ${kind} needs an axis of classes; output "${output}" has shape [${shape.join(', ')}].`,
      'Use --loss mse.',
    );
  }
  const softmax = finalSoftmax(prepared.graph, output);
  const logits = softmax?.inputs[0] ?? output;
  const softmaxAxis =
    softmax &&
    axisAmongSamplesFirst(
      normalizeAxis(intAttribute(softmax, 'axis', -1), type.shape.length),
      sampleAxis,
      shape.length - type.shape.length,
    );
  const isLabelled = kind === 'cross-entropy';
  if (isLabelled && !labels) {
    throw new CurvatureError(
      'option-invalid',
      'The loss cross-entropy needs labels, and the data hold none.',
      'Add an integer array "labels" to the data, name it with --labels, or use --loss kl.',
    );
  }
  const classAxis =
    isLabelled && labels && labels !== 'assumed'
      ? axisWithoutLabels(labels, shape, softmaxAxis, batch)
      : (softmaxAxis ?? defaultClassAxis(shape));
  return {
    spec: { kind, logits, shape, classAxis: requireClasses(kind, output, shape, classAxis), isLabelled },
    sampleAxis,
  };
}

function automatic(
  graph: Graph,
  output: string,
  shape: readonly number[],
  labels: DataArray | 'assumed' | undefined,
): LossKind {
  // Integers of the output's own shape are the 0 and 1 of binary targets.
  if (labels && labels !== 'assumed')
    return labels.dtype.startsWith('float') || hasShape(labels, shape) ? 'mse' : 'cross-entropy';
  const hasClasses = shape.length >= 2 && shape[defaultClassAxis(shape)] >= 2;
  return hasClasses && endWithoutLogits(graph, output) === undefined ? 'kl' : 'mse';
}

/** Feature maps [N, C, H, W] have their classes on axis 1, everything else on the last. */
const defaultClassAxis = (shape: readonly number[]): number => (shape.length >= 4 ? 1 : shape.length - 1);

function requireClasses(kind: LossKind, output: string, shape: readonly number[], axis: number): number {
  if (shape[axis] >= 2) return axis;
  throw new CurvatureError(
    'option-invalid',
    `The loss ${kind} needs two classes or more; output "${output}" has shape [${shape.join(', ')}].`,
    'Use --loss mse.',
  );
}

/** The axis of the output that the labels lack; where several fit, the model's Softmax decides, then custom. */
function axisWithoutLabels(
  labels: DataArray,
  shape: readonly number[],
  softmaxAxis: number | undefined,
  { isWhole }: BatchShape,
): number {
  if (labels.dtype.startsWith('float')) {
    throw new CurvatureError(
      'labels-invalid',
      `Cross-entropy needs integer labels; array '${labels.name}' is ${labels.dtype}.`,
      'Store class indices as int64, or use --loss mse for targets.',
    );
  }
  const given = labels.shape.slice(1);
  const fits = shape
    .map((_, i) => i)
    .filter(
      i =>
        i > 0 &&
        sameShape(
          shape.filter((_, k) => k > 0 && k !== i),
          given,
        ),
    );
  if (fits.length === 0) {
    const rest = shape.slice(1);
    const expected = rest.map((_, i) => shapeText(rest.toSpliced(i, 1), isWhole));
    throw new CurvatureError(
      'labels-invalid',
      `Labels '${labels.name}' have shape ${foundText(labels, isWhole)}; for an output of shape ${shapeText(rest, isWhole)} expected ${[...new Set(expected)].join(' or ')}.`,
    );
  }
  if (softmaxAxis !== undefined && fits.includes(softmaxAxis)) return softmaxAxis;
  const usual = defaultClassAxis(shape);
  return fits.includes(usual) ? usual : fits[0];
}

/** A shape with its samples in front, or that of a single one where the model has no axis for them. */
const shapeText = (rest: readonly number[], isWhole = false): string =>
  `[${[...(isWhole ? [] : ['samples']), ...rest].join(', ')}]`;

const foundText = ({ shape }: DataArray, isWhole = false): string =>
  isWhole ? `${shapeText(shape.slice(1), true)} for a sample` : `[${shape.join(', ')}]`;

/** Axes of length 1 make no difference: [samples] serves an output of [samples, 1]. */
function hasShape(targets: DataArray, shape: readonly number[]): boolean {
  const long = (dims: readonly number[]): number[] => dims.slice(1).filter(d => d !== 1);
  return sameShape(long(targets.shape), long(shape));
}

function requireTargets(targets: DataArray, shape: readonly number[], { isWhole }: BatchShape): void {
  if (hasShape(targets, shape)) return;
  throw new CurvatureError(
    'labels-invalid',
    `Targets '${targets.name}' have shape ${foundText(targets, isWhole)}; the output's is ${shapeText(shape.slice(1), isWhole)}.`,
    targets.dtype.startsWith('float')
      ? 'If these are class indices, store them as integers (int64).'
      : undefined,
  );
}
