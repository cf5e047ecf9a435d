import type { GraphBuilder } from '../graph/builder';
import { int64Tensor, numElements } from '../onnx/tensor';
import { indicator, mul, neg, reduceSum, reshape, scale, sub, sumAll } from '../ops/emit';

export type LossKind = 'cross-entropy' | 'mse' | 'kl';

/** What the loss is taken of. */
export interface LossSpec {
  readonly kind: LossKind;
  /** The value that is differentiated: the model's output, or the logits before its final Softmax. */
  readonly logits: string;
  readonly shape: readonly number[];
  /** Axis of the classes; unused by mse. */
  readonly classAxis: number;
  /** Whether labels (cross-entropy) or targets (mse) are given; without them the model is measured against itself. */
  readonly isLabelled: boolean;
  /** The losses of several outputs that lie side by side in `logits`, [samples, elements]; the loss is their sum. */
  readonly parts?: readonly LossSpec[];
}

/** How samples are averaged. */
export type Weighting =
  /** The mean over the graph's own batch. */
  | 'mean'
  /** Each sample times its entry of an input of shape [N], so that batches add up to the mean over all data. */
  | 'weighted';

export const WEIGHT_INPUT = 'curvature/weight';
/** Label that excludes a position, as in PyTorch. */
export const IGNORED_LABEL = -100;

export interface AttachedLoss {
  /** A scalar. */
  readonly loss: string;
  /** Values that count as constants: the model's own output where it is the target. */
  readonly fixed: ReadonlySet<string>;
  /** Multiplies each position's term, broadcastable against the logits: weight, and 0 for ignored labels. */
  readonly weight: string;
}

/** Name of the input that holds labels or targets. */
export const targetsName = (kind: LossKind): string => (kind === 'mse' ? 'targets' : 'labels');

/** Terms of the loss that one sample has: its positions, or its elements for mse. */
export function termsPerSample({ kind, shape, classAxis, parts }: LossSpec): number {
  if (parts) return 1;
  const elements = numElements(shape.slice(1));
  return kind === 'mse' ? elements : elements / shape[classAxis];
}

/**
 * Adds the loss, and the inputs it needs, to a model's graph.
 * @param reference what a label-free loss compares the model's output with, of the same shape; by default that output itself
 */
export function attachLoss(
  b: GraphBuilder,
  spec: LossSpec,
  weighting: Weighting,
  reference: string = spec.logits,
): AttachedLoss {
  return b.within('loss', () => {
    if (spec.kind === 'cross-entropy') return crossEntropy(b, spec, weighting);
    const terms = spec.shape[0] * termsPerSample(spec);
    const weight = weighting === 'mean' ? b.scalar(1 / terms) : weightInput(b, spec.shape);
    const references = spec.parts ? split(b, spec.parts, reference) : [reference];
    const parts = partsOf(b, spec, weight).map((part, i) => {
      const attach = part.spec.kind === 'kl' ? kl : meanSquaredError;
      return attach(b, part.spec, part.weight, references[i], spec.parts ? `_${i}` : '');
    });
    return {
      loss:
        parts.length === 1
          ? parts[0].loss
          : b.add(
              'Sum',
              parts.map(p => p.loss),
            ),
      fixed: new Set(parts.flatMap(p => p.fixed)),
      weight,
    };
  });
}

/** The losses that a loss is the sum of, each with its own logits and the weight of its terms. */
function partsOf(b: GraphBuilder, spec: LossSpec, weight: string): { spec: LossSpec; weight: string }[] {
  if (!spec.parts) return [{ spec, weight }];
  const logits = split(b, spec.parts, spec.logits);
  return spec.parts.map((part, i) => {
    const alongSamples = b.ints(part.shape.map((_, axis) => (axis === 0 ? -1 : 1)));
    const own = b.add('Reshape', [weight, alongSamples]);
    return { spec: { ...part, logits: logits[i] }, weight: scale(b, own, 1 / termsPerSample(part)) };
  });
}

const widthOf = ({ shape }: LossSpec): number => numElements(shape.slice(1));

/** [samples, elements] → each part's own shape. */
function split(b: GraphBuilder, parts: readonly LossSpec[], value: string): string[] {
  let end = 0;
  return parts.map(part => {
    const start = end;
    end += widthOf(part);
    const flat = b.add('Slice', [value, b.ints([start]), b.ints([end]), b.ints([1])]);
    return reshape(b, flat, [part.shape[0], end - start], part.shape);
  });
}

/** Values of the parts' shapes → [samples, elements]. */
function join(b: GraphBuilder, parts: readonly LossSpec[], values: readonly string[]): string {
  const flat = parts.map((p, i) => reshape(b, values[i], p.shape, [p.shape[0], widthOf(p)]));
  return b.add('Concat', flat, { axis: { int: 1 } });
}

/** −Σ w log softmax(z)[label] */
function crossEntropy(b: GraphBuilder, spec: LossSpec, weighting: Weighting): AttachedLoss {
  const { logits, shape, classAxis } = spec;
  const labelShape = shape.filter((_, i) => i !== classAxis);
  b.input({ name: targetsName('cross-entropy'), elemType: 'int64', shape: labelShape });
  const oneHot = oneHotLabels(b, spec);
  const isCounted = reduceSum(b, oneHot, [classAxis], true);
  const open = shape.with(classAxis, 1);
  const sampleWeight =
    weighting === 'mean' ? b.add('Reciprocal', [sumAll(b, isCounted, open)]) : weightInput(b, shape);
  const logP = b.add('LogSoftmax', [logits], { axis: { int: classAxis } });
  const terms = mul(b, mul(b, oneHot, logP), sampleWeight);
  return { loss: neg(b, sumAll(b, terms, shape)), fixed: new Set(), weight: mul(b, isCounted, sampleWeight) };
}

/** 1 at each position's label. A label outside the classes, such as −100, matches none of them and drops out. */
function oneHotLabels(b: GraphBuilder, { shape, classAxis }: LossSpec): string {
  const labelShape = shape.filter((_, i) => i !== classAxis);
  const open = shape.map((d, i) => (i === classAxis ? 1 : d));
  const range = b.constant(
    int64Tensor(
      Array.from({ length: shape[classAxis] }, (_, c) => c),
      shape.map((_, i) => (i === classAxis ? shape[classAxis] : 1)),
    ),
  );
  const laid = reshape(b, targetsName('cross-entropy'), labelShape, open);
  return indicator(b, b.add('Equal', [laid, range]));
}

type Attach = (
  b: GraphBuilder,
  spec: LossSpec,
  weight: string,
  reference: string,
  suffix: string,
) => { readonly loss: string; readonly fixed: readonly string[] };

/** Σ w p₀ (log p₀ − log softmax(z)) with p₀ the distribution of the reference, held fixed. */
const kl: Attach = (b, { logits, shape, classAxis }, weight, reference, suffix) => {
  const axis = { axis: { int: classAxis } };
  const logP = b.add('LogSoftmax', [logits], axis);
  const own = fixedCopy(b, b.add('Softmax', [reference], axis), `own_distribution${suffix}`);
  const ownLog = fixedCopy(b, b.add('LogSoftmax', [reference], axis), `own_log_distribution${suffix}`);
  const loss = sumAll(b, mul(b, mul(b, own, sub(b, ownLog, logP)), weight), shape);
  return { loss, fixed: [own, ownLog] };
};

/** Σ w (y − t)², w = 1/(number of elements) for the mean. */
const meanSquaredError: Attach = (b, { logits, shape, isLabelled }, weight, reference, suffix) => {
  const own = isLabelled ? undefined : fixedCopy(b, reference, `own_output${suffix}`);
  const targets = own ?? b.input({ name: targetsName('mse'), elemType: 'float32', shape });
  const difference = sub(b, logits, targets);
  return {
    loss: sumAll(b, mul(b, mul(b, difference, difference), weight), shape),
    fixed: own ? [own] : [],
  };
};

function weightInput(b: GraphBuilder, shape: readonly number[]): string {
  const samples = shape[0];
  const weight = b.input({ name: WEIGHT_INPUT, elemType: 'float32', shape: [samples] });
  return reshape(
    b,
    weight,
    [samples],
    shape.map((_, i) => (i === 0 ? samples : 1)),
  );
}

/** A value of its own that equals `value`, to be named as a constant of the differentiation. */
function fixedCopy(b: GraphBuilder, value: string, name: string): string {
  b.alias(value, `curvature/${name}`);
  return `curvature/${name}`;
}

/** The gradient of a loss with labels at the output: w (p − 1_label) for cross-entropy, 2 w (y − t) for mse. */
export function outputGradient(b: GraphBuilder, spec: LossSpec, weight: string): string {
  return b.within('loss', () => {
    const { kind, logits, classAxis } = spec;
    if (kind === 'mse') return scale(b, mul(b, sub(b, logits, targetsName(kind)), weight), 2);
    const p = b.add('Softmax', [logits], { axis: { int: classAxis } });
    return mul(b, sub(b, p, oneHotLabels(b, spec)), weight);
  });
}

/**
 * The loss's Hessian at the output, applied to a tangent u of the logits: w (p∘u − p Σ p u) for cross-entropy and kl,
 * 2 w u for mse. Labels play no part but for the positions they exclude.
 */
export const outputHessian = (b: GraphBuilder, spec: LossSpec, weight: string, u: string): string =>
  eachPart(b, spec, weight, u, hessianProduct);

/**
 * A factor S of the same Hessian, S Sᵀ = w (diag p − p pᵀ) or 2 w I, applied to r: √w (√p∘r − p Σ √p r), or √(2w) r.
 */
export const outputFactor = (b: GraphBuilder, spec: LossSpec, weight: string, r: string): string =>
  eachPart(b, spec, weight, r, factorProduct);

type Product = (b: GraphBuilder, spec: LossSpec, weight: string, v: string) => string;

function eachPart(b: GraphBuilder, spec: LossSpec, weight: string, v: string, product: Product): string {
  return b.within('loss', () => {
    if (!spec.parts) return product(b, spec, weight, v);
    const vectors = split(b, spec.parts, v);
    const parts = partsOf(b, spec, weight);
    return join(
      b,
      spec.parts,
      parts.map((p, i) => product(b, p.spec, p.weight, vectors[i])),
    );
  });
}

const hessianProduct: Product = (b, { kind, logits, classAxis }, weight, u) => {
  if (kind === 'mse') return scale(b, mul(b, u, weight), 2);
  const p = b.add('Softmax', [logits], { axis: { int: classAxis } });
  const pu = mul(b, p, u);
  return mul(b, sub(b, pu, mul(b, p, reduceSum(b, pu, [classAxis], true))), weight);
};

const factorProduct: Product = (b, { kind, logits, classAxis }, weight, r) => {
  if (kind === 'mse') return mul(b, r, b.add('Sqrt', [scale(b, weight, 2)]));
  const p = b.add('Softmax', [logits], { axis: { int: classAxis } });
  const root = b.add('Sqrt', [p]);
  const rooted = mul(b, root, r);
  const projected = sub(b, rooted, mul(b, p, reduceSum(b, rooted, [classAxis], true)));
  return mul(b, projected, b.add('Sqrt', [weight]));
};
