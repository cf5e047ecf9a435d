import type { GraphBuilder } from '../graph/builder';
import { intAttribute } from '../graph/graph';
import { numElements } from '../onnx/tensor';
import { convOuterProducts, convTransposeOuterProducts } from './convolution';
import { indicator, matmul, mul, reduceSum, reshape, scale, transpose, transposeLast } from './emit';
import { gemmAttributes } from './linalg';
import type { OuterProducts } from './outerProducts';
import type { Site } from './rule';

/**
 * Squared norms of each sample's own gradient of a weight, without the gradients being summed first: [N].
 * @param g cotangent of the node's output, with each sample's part independent of the others
 * @returns undefined where the operator's samples can't be told apart
 */
export function sampleNorms(
  b: GraphBuilder,
  at: Site,
  operand: number,
  g: string,
  samples: number,
): string | undefined {
  switch (at.node.opType) {
    case 'Conv':
      return at.shape(0)[0] === samples ? squaredNorms(b, convOuterProducts(b, at, g)) : undefined;
    case 'ConvTranspose':
      return at.shape(0)[0] === samples ? squaredNorms(b, convTransposeOuterProducts(b, at, g)) : undefined;
    case 'Gemm': {
      const { alpha, transA } = gemmAttributes(at);
      if (operand !== 1 || transA) return undefined;
      const norms = rowNorms(b, at, g, samples);
      return norms && scale(b, norms, alpha * alpha);
    }
    case 'MatMul': {
      if (at.shape(operand).length !== 2 || at.shape(1 - operand).length < 2) return undefined;
      return operand === 1 ? rowNorms(b, at, g, samples) : columnNorms(b, at, g, samples);
    }
    case 'Gather':
      return embeddingNorms(b, at, g, samples);
    default:
      return undefined;
  }
}

/** x [N…, I] times a weight [I, O]: the rows of one sample stand together. */
function rowNorms(b: GraphBuilder, at: Site, g: string, samples: number): string | undefined {
  const [shape, outShape] = [at.shape(0), at.outShape()];
  const [columns, rows] = [shape[shape.length - 1], outShape[outShape.length - 1]];
  const positions = numElements(shape.slice(0, -1)) / samples;
  if (shape[0] % samples !== 0) return undefined;
  if (positions === 1) {
    const squares = (v: string, from: readonly number[], width: number): string => {
      const row = reshape(b, v, from, [samples, width]);
      return reduceSum(b, mul(b, row, row), [1], false);
    };
    return mul(b, squares(g, outShape, rows), squares(at.input(0), shape, columns));
  }
  const turned = (v: string, from: readonly number[], width: number): string =>
    transpose(b, reshape(b, v, from, [samples, 1, positions, width]), [0, 1, 3, 2]);
  return squaredNorms(b, {
    ...{ samples, groups: 1, rows, columns, positions },
    g: turned(g, outShape, rows),
    x: turned(at.input(0), shape, columns),
  });
}

/** A weight [O, I] times x [N…, I, P]. */
function columnNorms(b: GraphBuilder, at: Site, g: string, samples: number): string | undefined {
  const [shape, outShape] = [at.shape(1), at.outShape()];
  if (shape.length < 3 || shape[0] % samples !== 0) return undefined;
  const [columns, width] = [shape[shape.length - 2], shape[shape.length - 1]];
  const rows = outShape[outShape.length - 2];
  const matrices = numElements(shape.slice(0, -2)) / samples;
  const positions = matrices * width;
  const laid = (v: string, from: readonly number[], height: number): string => {
    const apart = transpose(b, reshape(b, v, from, [samples, matrices, height, width]), [0, 2, 1, 3]);
    return reshape(b, apart, [samples, height, matrices, width], [samples, 1, height, positions]);
  };
  return squaredNorms(b, {
    ...{ samples, groups: 1, rows, columns, positions },
    g: laid(g, outShape, rows),
    x: laid(at.input(1), shape, columns),
  });
}

/**
 * ‖Σ_p g_p x_pᵀ‖² per sample, by whichever is cheapest: for one position the product of two norms; the Gram matrices
 * Σ_pq ⟨g_p, g_q⟩⟨x_p, x_q⟩; or the gradient itself.
 */
function squaredNorms(b: GraphBuilder, o: OuterProducts): string {
  const { positions, rows, columns } = o;
  // Row by row first, which keeps the digits of large sums.
  const sumOfEach = (v: string): string => reduceSum(b, reduceSum(b, v, [3], false), [1, 2], false);
  const squares = (v: string): string => reduceSum(b, mul(b, v, v), [2, 3], false);
  if (positions === 1) return reduceSum(b, mul(b, squares(o.g), squares(o.x)), [1], false);
  if (positions * (rows + columns) < rows * columns) {
    const gram = (v: string): string => matmul(b, transpose(b, v, [0, 1, 3, 2]), v);
    return sumOfEach(mul(b, gram(o.g), gram(o.x)));
  }
  const gradient = matmul(b, o.g, transpose(b, o.x, [0, 1, 3, 2]));
  return sumOfEach(mul(b, gradient, gradient));
}

/** An embedding's rows get the sum of the cotangents where they were looked up: Σ_ts [i_t = i_s] ⟨g_t, g_s⟩. */
function embeddingNorms(b: GraphBuilder, at: Site, g: string, samples: number): string | undefined {
  const indexShape = at.shape(1);
  if (intAttribute(at.node, 'axis', 0) !== 0 || indexShape[0] !== samples) return undefined;
  const lookups = numElements(indexShape) / samples;
  const width = numElements(at.shape(0).slice(1));
  const rows = reshape(b, g, at.outShape(), [samples, lookups, width]);
  const gram = matmul(b, rows, transposeLast(b, rows, 3));
  const down = reshape(b, at.input(1), indexShape, [samples, lookups, 1]);
  const across = reshape(b, at.input(1), indexShape, [samples, 1, lookups]);
  const isSame = indicator(b, b.add('Equal', [down, across]));
  return reduceSum(b, mul(b, gram, isSame), [1, 2], false);
}
