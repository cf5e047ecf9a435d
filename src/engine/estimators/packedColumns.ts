import { float32Tensor, type Tensor } from '../onnx/tensor';
import { matMul } from '../runtime/matMul';
import { norm, type Vector } from '../util/vector';
import { type Columns, type TakenOut } from './columns';

/** Columns of a block. A product reads all of it, and some systems back pages that are only read, so that a block takes its memory whole. */
const WIDTH = 4;
/** Rows that are summed in float32: eight partial sums of 128 terms. */
const ROWS = 1024;
/** Rows of a piece, which goes through ONNX Runtime at once. */
const PIECE = 1024 * ROWS;
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

  push(v: Float64Array, factor = 1): Float32Array {
    if (this.count % WIDTH === 0)
      this.blocks.push(this.starts.map(start => new Float32Array(WIDTH * this.paddedRows(start))));
    const { last } = this;
    for (let i = 0; i < last.length; i++) last[i] = factor * v[i];
    this.forEachPart(this.count, (part, start) => part.set(last.subarray(start, start + part.length)));
    this.count++;
    return last;
  }

  /** A copy. */
  column(k: number): Float32Array {
    const column = new Float32Array(this.size);
    this.forEachPart(k, (part, start) => column.set(part, start));
    return column;
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

  /**
   * What float32 rounds off w is no better known than coefficients up to as much, and these are left: after Lanczos' recurrence most are, and
   * they are not read again.
   */
  async takeOut(w: Float64Array): Promise<TakenOut> {
    const before = norm(w);
    const coefficients = await this.products(w);
    const taken = coefficients.map(c => (Math.abs(c) <= ROUNDOFF * before ? 0 : -c));
    this.add(taken, w);
    return { coefficients, left: taken.every(c => c === 0) ? before : norm(w) };
  }

  /** In TypeScript: mostly few columns are added, and y, in float64, is read and written where it lies. */
  add(c: ArrayLike<number>, y: Float64Array): void {
    const columns = Array.from(c, (_, k) => k).filter(k => c[k] !== 0);
    if (columns.length === 0) return;
    for (const [piece, start] of this.starts.entries()) {
      const terms = columns.map(k => ({ factor: c[k], ...this.place(k, piece) }));
      while (terms.length % 4 > 0) terms.push({ ...terms[0], factor: 0 });
      const end = Math.min(this.size, start + PIECE);
      // So few rows stay in the cache until all columns are added to them.
      for (let row = start; row < end; row += ROWS) {
        for (let i = 0; i < terms.length; i += 4)
          addFour(terms, i, (row - start) * WIDTH, y, row, Math.min(row + ROWS, end));
      }
    }
  }

  /** Rows of the piece that begins there, with zeros after the last to a multiple of `ROWS`. */
  private paddedRows(start: number): number {
    return Math.ceil(Math.min(PIECE, this.size - start) / ROWS) * ROWS;
  }

  /** One column, some rows at a time, where it lies; each part with its first row. */
  private forEachPart(k: number, visit: (part: Float32Array, start: number) => void): void {
    for (const [piece, first] of this.starts.entries()) {
      const { values, at } = this.place(k, piece);
      for (let row = 0; row < PIECE && first + row < this.size; row += ROWS) {
        const start = at + row * WIDTH;
        visit(values.subarray(start, start + Math.min(ROWS, this.size - first - row)), first + row);
      }
    }
  }

  /** Where a column's rows of a piece are: the first `ROWS` from `at` on, the next ones WIDTH·ROWS further. */
  private place(k: number, piece: number): Place {
    return { values: this.blocks[Math.floor(k / WIDTH)][piece], at: (k % WIDTH) * ROWS };
  }
}

interface Place {
  readonly values: Float32Array;
  readonly at: number;
}

interface Term extends Place {
  readonly factor: number;
}

/** Adds four of the terms, from `first` on, to the rows of y from `row` up to `end`; these begin `skipped` after the terms' own first. */
function addFour(
  terms: readonly Term[],
  first: number,
  skipped: number,
  y: Float64Array,
  row: number,
  end: number,
): void {
  const [p, q, r, s] = [terms[first], terms[first + 1], terms[first + 2], terms[first + 3]];
  const [a, b, c, d] = [p.values, q.values, r.values, s.values];
  const [e, f, g, h] = [p.factor, q.factor, r.factor, s.factor];
  const by = skipped - row;
  const [i, j, k, l] = [p.at + by, q.at + by, r.at + by, s.at + by];
  for (let n = row; n < end; n++) y[n] += e * a[i + n] + f * b[j + n] + (g * c[k + n] + h * d[l + n]);
}

const asMatrices = (piece: Float32Array): Tensor =>
  float32Tensor([piece.length / WIDTH / ROWS, WIDTH, ROWS], piece);
