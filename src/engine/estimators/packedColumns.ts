import { float32Tensor, type Tensor } from '../onnx/tensor';
import { matMul, sumsOfSquares } from '../runtime/matrixKernels';
import { dot, scale, type Vector } from '../util/vector';
import { type Columns, type TakenOut } from './columns';

/** Columns of a block, which takes its memory whole: a product reads all of it. */
const WIDTH = 4;
/** Rows that are summed in float32: eight partial sums of 128 terms. */
const ROWS = 1024;
/** Rows of a piece, which goes through ONNX Runtime at once. */
const PIECE = 1024 * ROWS;
/** Rows of a sum that is made at once: so few stay in the cache until all blocks are added. */
const STRIP = PIECE / 4;
/** Terms of a length that are summed in float32: it is what vectors are divided by, so that its error is theirs. */
const FEW = 64;
/** The unit roundoff of float32. */
const ROUNDOFF = 2 ** -24;

/**
 * Columns in float32, half the memory, laid out for ONNX Runtime's products of matrices: in blocks of columns, cut across into pieces, which are
 * [PIECE / ROWS, WIDTH, ROWS]. Its threads also fill a new block's memory, which takes as long as adding to it.
 *
 * Gram–Schmidt here is the classical one, which reads the columns once for all of Vᵀw and once for VVᵀw; reading is what its time goes into.
 * Products are about 1e-9·‖v‖‖w‖ off, at most some 3e-7 where few rows hold all of both vectors; sums are rounded to float32.
 */
export class PackedColumns implements Columns {
  readonly copies = true;
  count = 0;
  private readonly blocks: Float32Array[][] = [];
  /** The first row of each piece. */
  private readonly starts: readonly number[];

  constructor(private readonly size: number) {
    this.starts = Array.from({ length: Math.ceil(size / PIECE) }, (_, piece) => piece * PIECE);
  }

  async push(v: Vector, factor = 1): Promise<void> {
    if (factor !== 1) scale(factor, v);
    if (this.count % WIDTH === 0) {
      this.blocks.push([]);
      for (const start of this.starts) {
        const rows = this.rowsOf(v, start);
        this.blocks[this.blocks.length - 1].push(await matMul(FIRST_OF_BLOCK, matrices(rows, 1, ROWS)));
      }
    } else {
      this.forEachPart(this.count, (part, start) => part.set(v.subarray(start, start + part.length)));
    }
    this.count++;
  }

  /** A copy. */
  column(k: number): Float32Array {
    const column = new Float32Array(this.size);
    this.forEachPart(k, (part, start) => column.set(part, start));
    return column;
  }

  async products(w: Vector, from = 0): Promise<Float64Array> {
    const first = Math.floor(from / WIDTH);
    const sums = new Float64Array(this.blocks.length * WIDTH);
    for (const [piece, start] of this.starts.entries()) {
      const rows = matrices(this.rowsOf(w, start), ROWS, 1);
      for (let b = first; b < this.blocks.length; b++) {
        const found = await matMul(matrices(this.blocks[b][piece], WIDTH, ROWS), rows);
        for (let i = 0; i < found.length; i++) sums[b * WIDTH + (i % WIDTH)] += found[i];
      }
    }
    return sums.subarray(from, this.count);
  }

  /**
   * What float32 rounds off w is no better known than coefficients up to as much, and these are left: after Lanczos' recurrence most are, and
   * they are not read again.
   */
  async takeOut(w: Vector): Promise<TakenOut> {
    const squares = await this.squares(w);
    const coefficients = await this.products(w);
    const taken = coefficients.map(c => (c * c <= ROUNDOFF ** 2 * squares ? 0 : -c));
    await this.add(taken, w);
    // By Pythagoras; where this loses digits, so did w, and it is taken out once more.
    return { coefficients, left: Math.sqrt(Math.max(0, squares - dot(taken, taken))) };
  }

  async add(c: ArrayLike<number>, y: Vector): Promise<void> {
    const terms = this.blocks.flatMap((pieces, b) => {
      const factors = Float32Array.from({ length: WIDTH }, (_, k) => c[b * WIDTH + k] ?? 0);
      return factors.some(factor => factor !== 0) ? [{ pieces, factors: matrices(factors, 1, WIDTH) }] : [];
    });
    if (terms.length === 0) return;
    for (let start = 0; start < this.size; start += STRIP) {
      const [piece, first] = [Math.floor(start / PIECE), (start % PIECE) * WIDTH];
      let sum: Float32Array = new Float32Array();
      for (const [i, { pieces, factors }] of terms.entries()) {
        const strip = matrices(pieces[piece].subarray(first, first + STRIP * WIDTH), WIDTH, ROWS);
        sum = await matMul(factors, strip, i > 0 ? matrices(sum, 1, ROWS) : undefined);
      }
      addTo(y.subarray(start, start + STRIP), sum);
    }
  }

  /** ‖w‖². */
  private async squares(w: Vector): Promise<number> {
    let sum = 0;
    for (const start of this.starts) {
      for (const square of await sumsOfSquares(matrices(this.rowsOf(w, start), 1, FEW))) sum += square;
    }
    return sum;
  }

  /** A piece in float32, with zeros after the last to a multiple of `ROWS`; where they lie, if they do so. */
  private rowsOf(w: Vector, start: number): Float32Array {
    const rows = w.subarray(start, start + PIECE);
    if (rows instanceof Float32Array && rows.length % ROWS === 0) return rows;
    const padded = new Float32Array(Math.ceil(rows.length / ROWS) * ROWS);
    padded.set(rows);
    return padded;
  }

  /** One column, some rows at a time, where it lies; each part with its first row. */
  private forEachPart(k: number, visit: (part: Float32Array, start: number) => void): void {
    for (const [piece, first] of this.starts.entries()) {
      const values = this.blocks[Math.floor(k / WIDTH)][piece];
      for (let row = 0; row < PIECE && first + row < this.size; row += ROWS) {
        const start = (k % WIDTH) * ROWS + row * WIDTH;
        visit(values.subarray(start, start + Math.min(ROWS, this.size - first - row)), first + row);
      }
    }
  }
}

/** Matrices one after the other. */
const matrices = (data: Float32Array, rows: number, columns: number): Tensor =>
  float32Tensor([data.length / rows / columns, rows, columns], data);

/** Makes a block of its first column, with zeros for the others. */
const FIRST_OF_BLOCK = matrices(
  Float32Array.from({ length: WIDTH }, (_, k) => (k === 0 ? 1 : 0)),
  WIDTH,
  1,
);

/** y ← y + x, over the rows that y has. */
function addTo(y: Vector, x: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] += x[i];
}
