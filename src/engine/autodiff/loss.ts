import type { GraphBuilder } from '../graph/builder';
import { int64Tensor } from '../onnx/tensor';
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

/** Adds the loss, and the inputs it needs, to a model's graph. */
export function attachLoss(b: GraphBuilder, spec: LossSpec, weighting: Weighting): AttachedLoss {
  return b.within('loss', () => {
    switch (spec.kind) {
      case 'cross-entropy':
        return crossEntropy(b, spec, weighting);
      case 'kl':
        return kl(b, spec, weighting);
      case 'mse':
        return meanSquaredError(b, spec, weighting);
    }
  });
}

/** −Σ w log softmax(z)[label] */
function crossEntropy(b: GraphBuilder, spec: LossSpec, weighting: Weighting): AttachedLoss {
  const { logits, shape, classAxis } = spec;
  const classes = shape[classAxis];
  const labelShape = shape.filter((_, i) => i !== classAxis);
  const labels = b.input({ name: targetsName('cross-entropy'), elemType: 'int64', shape: labelShape });
  const open = shape.map((d, i) => (i === classAxis ? 1 : d));
  const range = b.constant(
    int64Tensor(
      Array.from({ length: classes }, (_, c) => c),
      shape.map((_, i) => (i === classAxis ? classes : 1)),
    ),
  );
  const laid = reshape(b, labels, labelShape, open);
  // A label outside the classes, such as −100, matches none of them and drops out.
  const oneHot = indicator(b, b.add('Equal', [laid, range]));
  const isCounted = reduceSum(b, oneHot, [classAxis], true);
  const sampleWeight =
    weighting === 'mean' ? b.add('Reciprocal', [sumAll(b, isCounted)]) : weightInput(b, shape);
  const logP = b.add('LogSoftmax', [logits], { axis: { int: classAxis } });
  const terms = mul(b, mul(b, oneHot, logP), sampleWeight);
  return { loss: neg(b, sumAll(b, terms)), fixed: new Set(), weight: mul(b, isCounted, sampleWeight) };
}

/** Σ w p₀ (log p₀ − log softmax(z)) with p₀ the model's own distribution, held fixed. */
function kl(b: GraphBuilder, spec: LossSpec, weighting: Weighting): AttachedLoss {
  const { logits, shape, classAxis } = spec;
  const axis = { axis: { int: classAxis } };
  const positions = shape.reduce((n, d, i) => (i === classAxis ? n : n * d), 1);
  const weight = weighting === 'mean' ? b.scalar(1 / positions) : weightInput(b, shape);
  const logP = b.add('LogSoftmax', [logits], axis);
  const own = fixedCopy(b, b.add('Softmax', [logits], axis), 'own_distribution');
  const ownLog = fixedCopy(b, logP, 'own_log_distribution');
  const loss = sumAll(b, mul(b, mul(b, own, sub(b, ownLog, logP)), weight));
  return { loss, fixed: new Set([own, ownLog]), weight };
}

/** Σ w (y − t)², w = 1/(number of elements) for the mean. */
function meanSquaredError(b: GraphBuilder, spec: LossSpec, weighting: Weighting): AttachedLoss {
  const { logits, shape } = spec;
  const elements = shape.reduce((n, d) => n * d, 1);
  const weight = weighting === 'mean' ? b.scalar(1 / elements) : weightInput(b, shape);
  const own = spec.isLabelled ? undefined : fixedCopy(b, logits, 'own_output');
  const targets = own ?? b.input({ name: targetsName('mse'), elemType: 'float32', shape });
  const difference = sub(b, logits, targets);
  return {
    loss: sumAll(b, mul(b, mul(b, difference, difference), weight)),
    fixed: new Set(own ? [own] : []),
    weight,
  };
}

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

/**
 * The loss's Hessian at the output, applied to a tangent u of the logits: w (p∘u − p Σ p u) for cross-entropy and kl,
 * 2 w u for mse. Labels play no part but for the positions they exclude.
 */
export function outputHessian(b: GraphBuilder, spec: LossSpec, weight: string, u: string): string {
  return b.within('loss', () => {
    if (spec.kind === 'mse') return scale(b, mul(b, u, weight), 2);
    const p = b.add('Softmax', [spec.logits], { axis: { int: spec.classAxis } });
    const pu = mul(b, p, u);
    return mul(b, sub(b, pu, mul(b, p, reduceSum(b, pu, [spec.classAxis], true))), weight);
  });
}

/**
 * A factor S of the same Hessian, S Sᵀ = w (diag p − p pᵀ) or 2 w I, applied to r: √w (√p∘r − p Σ √p r), or √(2w) r.
 */
export function outputFactor(b: GraphBuilder, spec: LossSpec, weight: string, r: string): string {
  return b.within('loss', () => {
    if (spec.kind === 'mse') return mul(b, r, b.add('Sqrt', [scale(b, weight, 2)]));
    const p = b.add('Softmax', [spec.logits], { axis: { int: spec.classAxis } });
    const root = b.add('Sqrt', [p]);
    const rooted = mul(b, root, r);
    const projected = sub(b, rooted, mul(b, p, reduceSum(b, rooted, [spec.classAxis], true)));
    return mul(b, projected, b.add('Sqrt', [weight]));
  });
}
