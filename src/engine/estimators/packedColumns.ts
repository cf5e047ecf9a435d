import { float32Tensor, type Tensor } from '../onnx/tensor';
import { matMul } from '../runtime/matMul';
import { axpy, norm, type Vector } from '../util/vector';
import { type Columns, type TakenOut } from './columns';

/** Columns of a block; fewer leave ONNX Runtime's kernels waiting. */
const WIDTH = 32;
/** Rows that are summed in float32: eight partial sums of 128 terms. */
const ROWS = 1024;
/** Rows of a piece, which goes through ONNX Runtime at once. */
const PIECE = 256 * ROWS;
/** The unit roundoff of float32. */
const ROUNDOFF = 2 ** -24;

/**
 * Columns in float32, half the memory, laid out for ONNX Runtime's products of matrices: in blocks of columns, cut across into pieces, which are
 * [PIECE / ROWS, WIDTH, ROWS].
 *
 * Gram–Schmidt here is the classical one, which reads the columns once for all of Vᵀw and once for VVᵀw; reading is what its time goes into. Products are
 * about 1e-9·‖v‖‖w‖ off, at most some 3e-7 where few rows hold all of both vectors.
 */
export class PackedColumns implements Columns {
  readonly copies = true;
  count = 0;
  private readonly blocks: Float32Array[][] = [];
  /** The column that was pushed last, all rows together. */
  private readonly last: Float32Array;
  /** The first row of each piece. */
  private readonly starts: readonly number[];

  constructor(private readonly size: number) {
    this.last = new Float32Array(size);
    this.starts = Array.from({ length: Math.ceil(size / PIECE) }, (_, piece) => piece * PIECE);
  }

  push(v: Float64Array): Float32Array {
    // An array of 32 MB costs no memory before it is written to, so that a block takes what its columns do.
    if (this.count % WIDTH === 0)
      this.blocks.push(this.starts.map(start => new Float32Array(WIDTH * this.paddedRows(start))));
    const { last } = this;
    last.set(v);
    this.count++;
    this.forEachPart(this.count - 1, (part, start) => part.set(last.subarray(start, start + part.length)));
    return last;
  }

  /** A copy. */
  column(k: number): Float32Array {
    const column = new Float32Array(this.size);
    this.forEachPart(k, (part, start) => column.set(part, start));
    return column;
  }

  axpy(k: number, alpha: number, y: Float64Array): void {
    this.forEachPart(k, (part, start) => axpy(alpha, part, y.subarray(start, start + part.length)));
  }

  async products(w: Vector): Promise<Float64Array> {
    const sums = new Float64Array(this.blocks.length * WIDTH);
    const copy = new Float32Array(this.paddedRows(0));
    for (const [piece, start] of this.starts.entries()) {
      const part = copy.subarray(0, this.paddedRows(start));
      part.set(w.subarray(start, start + PIECE));
      part.fill(0, Math.min(PIECE, this.size - start));
      const rows = float32Tensor([part.length / ROWS, ROWS, 1], part);
      for (const [b, block] of this.blocks.entries()) {
        const found = await matMul(asMatrices(block[piece]), rows);
        for (let i = 0; i < found.length; i++) sums[b * WIDTH + (i % WIDTH)] += found[i];
      }
    }
    return sums.subarray(0, this.count);
  }

  async combine(c: readonly number[]): Promise<Float64Array> {
    const sum = new Float64Array(this.size);
    await this.add(c, sum);
    return sum;
  }

  /**
   * What float32 rounds off w is no better known than coefficients up to as much, and these are left: after Lanczos' recurrence most are, and
   * their blocks are not read again.
   */
  async takeOut(w: Float64Array): Promise<TakenOut> {
    const before = norm(w);
    const coefficients = await this.products(w);
    const taken = coefficients.map(c => (Math.abs(c) <= ROUNDOFF * before ? 0 : -c));
    await this.add(taken, w);
    return { coefficients, left: taken.every(c => c === 0) ? before : norm(w) };
  }

  /** y ← y + Vc. */
  private async add(c: ArrayLike<number>, y: Float64Array): Promise<void> {
    const padded = new Float32Array(this.blocks.length * WIDTH);
    padded.set(c);
    const terms = this.blocks.map((block, b) => ({
      block,
      factors: padded.subarray(b * WIDTH, (b + 1) * WIDTH),
    }));
    const added = terms.filter(({ factors }) => factors.some(x => x !== 0));
    for (const [piece, start] of this.starts.entries()) {
      const rows = y.subarray(start, start + PIECE);
      for (const { block, factors } of added) {
        const sum = await matMul(float32Tensor([1, 1, WIDTH], factors), asMatrices(block[piece]));
        for (let i = 0; i < rows.length; i++) rows[i] += sum[i];
      }
    }
  }

  /** Rows of the piece that begins there, with zeros after the last to a multiple of `ROWS`. */
  private paddedRows(start: number): number {
    return Math.ceil(Math.min(PIECE, this.size - start) / ROWS) * ROWS;
  }

  /** One column, some rows at a time, where it lies; each part with its first row. */
  private forEachPart(k: number, visit: (part: Float32Array, start: number) => void): void {
    const block = this.blocks[Math.floor(k / WIDTH)];
    for (let start = 0; start < this.size; start += ROWS) {
      const at = (start % PIECE) * WIDTH + (k % WIDTH) * ROWS;
      const length = Math.min(ROWS, this.size - start);
      visit(block[Math.floor(start / PIECE)].subarray(at, at + length), start);
    }
  }
}

const asMatrices = (piece: Float32Array): Tensor =>
  float32Tensor([piece.length / WIDTH / ROWS, WIDTH, ROWS], piece);
