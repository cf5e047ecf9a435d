import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled, CurvatureError } from '../errors';
import { Rng } from '../util/rng';
import { RunningMoments } from '../util/statistics';
import { isTimeUp } from '../util/timeBudget';
import { dot, norm, type Vector } from '../util/vector';
import { IN_SPAN, noColumns, orthogonalise } from './basis';
import { type TraceProgress } from './result';
import { isCheckpoint, operatorProgress, type OperatorTraceOptions, requireFinite } from './traceOptions';

/** Share of the time after which the range grows no more: its trace takes as long again. */
const TIME_OF_RANGE = 0.45;
/** Products of the range, of its trace and of one residual probe; two of the last kind for an error. */
const FEWEST = 4;
/**
 * The trace as tr(QᵀAQ) + tr((I−QQᵀ)A(I−QQᵀ)): the first exactly for Q = orth(AS), the second by Hutchinson's estimate.
 *
 * Hutch++: Meyer, Musco, Musco & Woodruff, SOSA 2021 (arXiv 2010.09649). A third of the products each for the range, its trace
 * and residual probes, which stop early on their error. For a positive semidefinite matrix the error falls as 1/m, as 1/√m
 * with Hutchinson's alone. Given Q the residual forms are independent and unbiased, so their sd/√k is the standard error, and
 * Student's t with k − 1 degrees of freedom gives the interval; `samples` is k. Holds m/3 columns.
 */
export async function* hutchPlusPlus(
  operator: LinearOperator,
  options: OperatorTraceOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const { seed, maxProducts, signal, timeSpent } = options;
  if (maxProducts < FEWEST) {
    throw new CurvatureError(
      'option-invalid',
      `At most ${maxProducts} products were allowed; Hutch++ with an error bar needs at least ${FEWEST}.`,
    );
  }
  let products = 0;
  const apply = (v: Vector): Promise<Vector> => {
    if (signal?.aborted) throw cancelled();
    products++;
    return operator.apply(v);
  };
  const probe = (stream: string, k: number): Float64Array =>
    Float64Array.from(Rng.of(seed, 'hutch++', stream, k).rademacher(operator.size));

  const range = noColumns(operator.size);
  let isWhole = false;
  const rank = Math.min(Math.floor(maxProducts / 3), operator.size);
  for (let k = 0; k < rank; k++) {
    const y = await apply(probe('range', k));
    const length = requireFinite(norm(y), products);
    const { left } = await orthogonalise(y, range);
    yield operatorProgress(products, options);
    isWhole = left <= IN_SPAN * length;
    if (isWhole) break;
    await range.push(y, 1 / left);
    if (timeSpent && timeSpent() >= TIME_OF_RANGE) break;
  }

  let ofRange = 0;
  for (let k = 0; k < range.count; k++) {
    const q = range.column(k);
    ofRange += requireFinite(dot(q, await apply(q)), products);
    yield operatorProgress(products, options);
  }
  if (isWhole || range.count === operator.size) {
    // The range holds the whole matrix.
    const found = { estimate: ofRange, stderr: 0, samples: range.count };
    yield operatorProgress(products, options, found, true);
    return;
  }

  const forms = new RunningMoments();
  while (products < maxProducts) {
    const g = probe('residual', forms.count);
    await orthogonalise(g, range);
    forms.add(requireFinite(dot(g, await apply(g)), products));
    const found = { estimate: ofRange + forms.mean, stderr: forms.stderr, samples: forms.count };
    const progress = operatorProgress(products, options, forms.count < 2 ? undefined : found);
    yield progress;
    if (isCheckpoint(forms.count) && progress.estimates[0].converged) return;
    if (forms.count >= 2 && isTimeUp(timeSpent)) return;
  }
}
