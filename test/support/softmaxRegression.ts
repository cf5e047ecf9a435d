import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { float32Tensor, int64Tensor } from '../../src/engine/onnx/tensor';
import { Rng } from '../../src/engine/util/rng';
import { input, makeGraph, type Workspace } from './models';

export const SAMPLES = 48;
export const FEATURES = 4;
const CLASSES = 3;
export const SIZE = FEATURES * CLASSES;
const random = Rng.of(4, 'softmax regression');
const normals = (n: number): Float32Array => Float32Array.from({ length: n }, () => random.normal());
const x = normals(SAMPLES * FEATURES);
export const weight = normals(SIZE);
const labels = Array.from({ length: SAMPLES }, () => random.below(CLASSES));

/** y = xW, with W or other numbers in its place. */
export const softmaxModel = (workspace: Workspace, name = 'softmax.onnx', w = weight): string =>
  workspace.model(
    name,
    makeGraph([input('x', 'N', FEATURES)], { weight: float32Tensor([FEATURES, CLASSES], w) }, [
      ['MatMul', ['x', 'weight'], 'y'],
    ]),
  );

/** The samples of a range, all by default, with the label −100 where they are to be ignored. */
export const softmaxData = (
  workspace: Workspace,
  name = 'data.npz',
  from = 0,
  to = SAMPLES,
  isIgnored = (_sample: number): boolean => false,
): string =>
  workspace.npz(name, {
    x: { shape: [to - from, FEATURES], data: x.slice(from * FEATURES, to * FEATURES) },
    labels: {
      shape: [to - from],
      data: int64Tensor(labels.map((label, i) => (isIgnored(i) ? -100 : label)).slice(from, to))
        .data as BigInt64Array,
    },
  });

export interface Sample {
  readonly hessian: Matrix;
  readonly gradient: Float64Array;
  readonly loss: number;
  /** Of the classes. */
  readonly p: readonly number[];
}

/** In float64: the Hessian (p − p pᵀ) ⊗ x xᵀ, the gradient, the loss and the distribution of each sample. */
export const samplesAt = (w: ArrayLike<number>): Sample[] =>
  labels.map((label, n) => {
    const row = Array.from(x.subarray(n * FEATURES, (n + 1) * FEATURES));
    const logits = Array.from({ length: CLASSES }, (_, c) =>
      row.reduce((s, v, f) => s + v * w[f * CLASSES + c], 0),
    );
    const all = logits.reduce((s, z) => s + Math.exp(z), 0);
    const p = logits.map(z => Math.exp(z) / all);
    const hessian = Matrix.zeros(SIZE, SIZE);
    const gradient = new Float64Array(SIZE);
    for (let i = 0; i < SIZE; i++) {
      const [f, c] = [Math.floor(i / CLASSES), i % CLASSES];
      gradient[i] = row[f] * (p[c] - (c === label ? 1 : 0));
      for (let j = 0; j < SIZE; j++) {
        const [g, d] = [Math.floor(j / CLASSES), j % CLASSES];
        hessian.set(i, j, row[f] * row[g] * ((c === d ? p[c] : 0) - p[c] * p[d]));
      }
    }
    return { hessian, gradient, loss: -Math.log(p[label]), p };
  });

export const samples = samplesAt(weight);

/** The Hessian of the mean loss over some samples. */
export const hessianOf = (places: readonly number[], of = samples): Matrix =>
  Matrix.div(
    places.reduce((sum, i) => Matrix.add(sum, of[i].hessian), Matrix.zeros(SIZE, SIZE)),
    places.length,
  );

export const gradientOf = (places: readonly number[], of = samples): Float64Array =>
  Float64Array.from(
    { length: SIZE },
    (_, i) => places.reduce((s, n) => s + of[n].gradient[i], 0) / places.length,
  );

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

export const largestOf = (m: Matrix): number =>
  Math.max(...new EigenvalueDecomposition(m, { assumeSymmetric: true }).realEigenvalues);
