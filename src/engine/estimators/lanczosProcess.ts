import { type LinearOperator } from '../curvature/linearOperator';
import { CurvatureError } from '../errors';
import { type Vector } from '../util/vector';
import { noColumns, noVector, orthogonalise } from './basis';
import { type Columns } from './columns';
import { type RitzValue } from './result';
import { type Tridiagonal, tridiagonalPairs, type TridiagonalPair } from './tridiagonal';

/** A remainder this small beside the operator's norm is rounding: the subspace found is invariant. */
const BREAKDOWN = 1e-12;

/**
 * The Lanczos process with full reorthogonalisation, one product at a time.
 *
 * Lanczos, J. Res. Natl. Bur. Stand. 45 (1950). Holds every vector of the basis. With columns to stay orthogonal to, it is the process of the
 * operator's compression to their complement.
 */
export class LanczosProcess {
  readonly basis: Columns;
  private block: Tridiagonal = { alpha: [], beta: [] };
  /** ‖Av − VVᵀAv‖ of the last step; 0 where the subspace is invariant. */
  private remainder = 0;
  private largest = 0;
  private next: Vector;
  /** What `next` is multiplied by when it is taken in. */
  private factor = 1;
  /** The column before the last, for the next product to be written to, where the basis has a copy. */
  private spare: Vector | undefined;

  /**
   * @param start a unit vector
   * @param outside orthonormal columns, orthogonal to `start`, that the basis is kept orthogonal to
   */
  constructor(
    private readonly operator: LinearOperator,
    start: Vector,
    private readonly outside: Columns = noColumns(operator.size),
  ) {
    this.basis = noColumns(operator.size);
    this.next = rounded(start);
  }

  get steps(): number {
    return this.basis.count;
  }

  /**
   * Takes the next vector into the basis; tells whether the basis is now invariant, so that only `restart` leads on.
   * @throws CurvatureError `not-finite` naming the step
   */
  async step(): Promise<{ isInvariant: boolean }> {
    const { basis, block, operator, outside } = this;
    const v = this.next;
    await basis.push(v, this.factor);
    const next = await operator.apply(v, this.spare ?? noVector(operator.size));
    const [alpha] = await basis.products(next, basis.count - 1);
    this.spare = basis.copies ? v : undefined;
    // What the recurrence takes away is most of the vector; the rest of the basis takes only rounding after that.
    const known = new Float64Array(basis.count);
    known[basis.count - 1] = -alpha;
    const beta = block.beta.at(-1);
    if (beta !== undefined) known[basis.count - 2] = -beta;
    await basis.add(known, next);
    block.alpha.push(alpha);
    if (outside.count > 0) await orthogonalise(next, outside);
    const { left: remainder } = await orthogonalise(next, basis);
    if (!Number.isFinite(remainder)) {
      throw new CurvatureError(
        'not-finite',
        `The product with the curvature matrix is not finite in Lanczos step ${this.steps}.`,
        'Look for inputs or weights so large that float32 overflows; results of the steps before it are kept.',
      );
    }
    this.largest = Math.max(this.largest, Math.abs(alpha), remainder);
    const isWhole = this.steps + outside.count === operator.size;
    const isInvariant = isWhole || remainder <= BREAKDOWN * this.largest;
    this.remainder = isInvariant ? 0 : remainder;
    if (!isInvariant) {
      block.beta.push(remainder);
      this.next = next;
      this.factor = 1 / remainder;
    }
    return { isInvariant };
  }

  /** Goes on with a fresh unit vector orthogonal to the basis, in a subspace of its own. */
  restart(start: Vector): void {
    this.block = { alpha: [], beta: [] };
    this.next = rounded(start);
    this.factor = 1;
  }

  /** Eigenvalues of the subspace at hand with their vectors in its basis, and the residuals |β_m y_m|/|θ| of their pairs. */
  ritzPairs(tolerance: number): (TridiagonalPair & RitzValue)[] {
    const pairs = tridiagonalPairs(this.block);
    const largest = Math.max(...pairs.map(({ value }) => Math.abs(value)));
    return pairs.map(pair => {
      const distance = Math.abs(this.remainder * pair.vector[pair.vector.length - 1]);
      // An eigenvalue of zero has no relative error; it is as good as rounding lets it be.
      const residual =
        distance === 0 ? 0 : distance / Math.max(Math.abs(pair.value), Number.EPSILON * largest);
      return { ...pair, residual, converged: residual <= tolerance };
    });
  }

  /** Whether the subspace at hand is invariant, so that its values are eigenvalues. */
  get isInvariant(): boolean {
    return this.remainder === 0;
  }

  /** What `ritzPairs` would have given a step earlier: eigenvalues and vectors of the subspace at hand without its last direction. */
  pairsBefore(): TridiagonalPair[] {
    const { alpha, beta } = this.block;
    return alpha.length < 2 ? [] : tridiagonalPairs({ alpha: alpha.slice(0, -1), beta });
  }

  /** The vector of the space whose coefficients in the basis are given; only before a restart. */
  async combine(coefficients: ArrayLike<number>): Promise<Vector> {
    const sum = noVector(this.operator.size);
    await this.basis.add(coefficients, sum);
    return sum;
  }
}

/** A copy, as precise as the basis. */
function rounded(v: Vector): Vector {
  const copy = noVector(v.length);
  copy.set(v);
  return copy;
}
