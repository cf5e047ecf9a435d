import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled, CurvatureError } from '../errors';
import { Rng } from '../util/rng';
import { isTimeUp } from '../util/timeBudget';
import { norm, scale, type Vector } from '../util/vector';
import { IN_SPAN, noColumns, orthogonalise } from './basis';
import { type TraceProgress } from './result';
import { isCheckpoint, operatorProgress, type OperatorTraceOptions, requireFinite } from './traceOptions';
import { type Sketch, sketchTrace } from './xTraceSketch';

/** Test vectors that an error rests on at least. */
const FEWEST = 4;
/** Test vectors before the error may end the search. */
const FEWEST_TO_STOP = 12;

/**
 * The trace by leave-one-out: for each test vector ω_i, the trace on the range that the other ones found, and the residual's form
 * along ω_i; the mean over all of them.
 *
 * XTrace: Epperly, Tropp & Webber, SIAM J. Matrix Anal. Appl. 45 (2024), arXiv 2301.07825. Two products per test vector. The matrix is
 * symmetric, so that (AQ)ᵀΩ = R and only Q and Ω are kept: as many columns as products. `samples` is the number k of test
 * vectors; for the error see `sketchTrace`, for an interval Student's t with k − 1 degrees of freedom.
 */
export async function* xTrace(
  operator: LinearOperator,
  options: OperatorTraceOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const { seed, maxProducts, signal, timeSpent } = options;
  const { size } = operator;
  const most = Math.min(Math.floor(maxProducts / 2), size);
  if (most < Math.min(FEWEST, size)) {
    throw new CurvatureError(
      'option-invalid',
      `At most ${maxProducts} products were allowed; XTrace needs at least ${2 * FEWEST}.`,
    );
  }
  let products = 0;
  const apply = (v: Vector): Promise<Vector> => {
    if (signal?.aborted) throw cancelled();
    products++;
    return operator.apply(v);
  };
  const tests = noColumns(size);
  const range = noColumns(size);
  const sketch: Sketch = { size, r: [], b: [], w: [] };
  let found: { estimate: number; stderr: number; samples: number } | undefined;

  for (let k = 0; k < most; k++) {
    const test = onSphere(Rng.of(seed, 'xtrace', k), size);
    await tests.push(test);
    const y = await apply(test);
    const length = requireFinite(norm(y), products);
    const { coefficients, left } = await orthogonalise(y, range);
    if (left <= IN_SPAN * length) break;
    await range.push(y, 1 / left);
    const q = y;
    const z = await apply(q);
    sketch.r.push(Float64Array.of(...coefficients, left));
    const column = await range.products(z);
    column.forEach(b => requireFinite(b, products));
    sketch.b.push(column);
    const along = await range.products(test);
    sketch.w.forEach((row, j) => row.push(along[j]));
    sketch.w.push([...(await tests.products(q))]);

    const { count } = range;
    const isLast = count === most || (count >= FEWEST && isTimeUp(timeSpent));
    const isDue = (isCheckpoint(count) && count >= FEWEST_TO_STOP) || isLast;
    if (isDue && count < size) found = { ...sketchTrace(sketch), samples: count };
    const progress = operatorProgress(products, options, found);
    yield progress;
    if (isDue && count < size && (isLast || progress.estimates[0].converged)) return;
  }
  if (range.count < most || range.count === size) {
    // The range holds the whole matrix.
    const estimate = sketch.b.reduce((sum, column, k) => sum + column[k], 0);
    yield operatorProgress(products, options, { estimate, stderr: 0, samples: range.count }, true);
  }
}

/** Uniform on the sphere of radius √n. */
function onSphere(random: Rng, n: number): Float64Array {
  const direction = random.fillNormal(new Float64Array(n));
  scale(Math.sqrt(n) / norm(direction), direction);
  return direction;
}
