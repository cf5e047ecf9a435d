import { axpy, dot, norm, scale, type Vector } from '../util/vector';
import { type Columns, type TakenOut } from './columns';

/** Columns that one pass over memory takes together. */
const GROUP = 4;

/** Columns in float64, one array each. */
export class ColumnList implements Columns {
  readonly copies = false;
  private readonly columns: Vector[] = [];

  get count(): number {
    return this.columns.length;
  }

  push(v: Vector, factor = 1): Promise<void> {
    if (factor !== 1) scale(factor, v);
    this.columns.push(v);
    return Promise.resolve();
  }

  column(k: number): Vector {
    return this.columns[k];
  }

  products(w: Vector, from = 0): Promise<Float64Array> {
    return Promise.resolve(Float64Array.from(this.columns.slice(from), v => dot(v, w)));
  }

  add(c: ArrayLike<number>, y: Vector): Promise<void> {
    this.columns.forEach((v, k) => {
      if (c[k] !== 0) axpy(c[k], v, y);
    });
    return Promise.resolve();
  }

  /** What is taken out of w along some columns is gone before the next are looked at (modified Gram–Schmidt). */
  takeOut(w: Vector): Promise<TakenOut> {
    const { columns } = this;
    const coefficients = new Float64Array(columns.length);
    let start = 0;
    // Four columns at a time read and write w a quarter as often; time goes into memory here.
    for (; start + GROUP <= columns.length; start += GROUP) {
      const [a, b, c, d] = columns.slice(start, start + GROUP);
      coefficients.set(takeOutFour(a, b, c, d, w), start);
    }
    for (; start < columns.length; start++) {
      const along = dot(columns[start], w);
      axpy(-along, columns[start], w);
      coefficients[start] = along;
    }
    return Promise.resolve({ coefficients, left: norm(w) });
  }
}

/** w ← w − Σ v (vᵀw) over four columns; returns the four vᵀw. */
function takeOutFour(a: Vector, b: Vector, c: Vector, d: Vector, w: Vector): readonly number[] {
  let [p, q, r, s] = [0, 0, 0, 0];
  for (let i = 0; i < w.length; i++) {
    const x = w[i];
    p += a[i] * x;
    q += b[i] * x;
    r += c[i] * x;
    s += d[i] * x;
  }
  for (let i = 0; i < w.length; i++) w[i] -= p * a[i] + q * b[i] + r * c[i] + s * d[i];
  return [p, q, r, s];
}
