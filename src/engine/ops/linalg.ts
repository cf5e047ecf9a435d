import type { GraphBuilder } from '../graph/builder';
import { type Attribute, floatAttribute, intAttribute } from '../graph/graph';
import { Einsum } from './einsum';
import {
  expand,
  matmul,
  reshape,
  scale,
  sumDerivatives,
  transpose,
  transposeLast,
  unbroadcast,
} from './emit';
import type { Op, Site } from './rule';

/** y = α A′B′ + β C, with A′ and B′ transposed as the attributes say. */
const Gemm: Op = {
  linearity: 'multilinear',
  jvp: (b, at, [ta, tb, tc]) => {
    const [x, w] = [at.input(0), at.input(1)];
    return [
      sumDerivatives(b, [
        ta ? b.add('Gemm', [ta, w], withoutBeta(at)) : null,
        tb ? b.add('Gemm', [x, tb], withoutBeta(at)) : null,
        tc ? expand(b, scale(b, tc, floatAttribute(at.node, 'beta', 1)), at.shape(2), at.outShape()) : null,
      ]),
    ];
  },
  vjp: (b, at, [g], needs) => {
    const [x, w] = [at.input(0), at.input(1)];
    const { alpha, transA, transB } = gemmAttributes(at);
    const product = (p: string, q: string, tp: boolean, tq: boolean): string =>
      b.add('Gemm', [p, q], {
        alpha: { float: alpha },
        transA: { int: Number(tp) },
        transB: { int: Number(tq) },
      });
    return [
      needs[0] ? (transA ? product(w, g!, transB, true) : product(g!, w, false, !transB)) : null,
      needs[1] ? (transB ? product(g!, x, true, transA) : product(x, g!, !transA, false)) : null,
      needs[2]
        ? scale(b, unbroadcast(b, g!, at.outShape(), at.shape(2)), floatAttribute(at.node, 'beta', 1))
        : null,
    ];
  },
};

export function gemmAttributes(at: Site): { alpha: number; transA: boolean; transB: boolean } {
  return {
    alpha: floatAttribute(at.node, 'alpha', 1),
    transA: intAttribute(at.node, 'transA', 0) === 1,
    transB: intAttribute(at.node, 'transB', 0) === 1,
  };
}

function withoutBeta(at: Site): Record<string, Attribute> {
  const { beta: _beta, ...rest } = at.node.attributes;
  return rest;
}

/** Batched matrix product. Operands of rank 1 are promoted as numpy does it. */
const MatMul: Op = {
  linearity: 'multilinear',
  jvp: (b, at, [ta, tb]) => [
    sumDerivatives(b, [ta ? matmul(b, ta, at.input(1)) : null, tb ? matmul(b, at.input(0), tb) : null]),
  ],
  vjp: (b, at, [g], needs) => {
    const { shapeA, shapeB, shapeY } = promoted(at);
    const x = reshape(b, at.input(0), at.shape(0), shapeA);
    const w = reshape(b, at.input(1), at.shape(1), shapeB);
    const y = reshape(b, g!, at.outShape(), shapeY);
    return [
      needs[0] ? reshape(b, cotangentA(b, y, w, shapeA, shapeB, shapeY), shapeA, at.shape(0)) : null,
      needs[1] ? reshape(b, cotangentB(b, y, x, shapeA, shapeB, shapeY), shapeB, at.shape(1)) : null,
    ];
  },
};

export function promoted(at: Site): { shapeA: number[]; shapeB: number[]; shapeY: number[] } {
  const [a, w] = [at.shape(0), at.shape(1)];
  const shapeA = a.length === 1 ? [1, ...a] : [...a];
  const shapeB = w.length === 1 ? [...w, 1] : [...w];
  const shapeY = [...at.outShape()];
  if (a.length === 1) shapeY.splice(w.length === 1 ? shapeY.length : shapeY.length - 1, 0, 1);
  if (w.length === 1) shapeY.push(1);
  return { shapeA, shapeB, shapeY };
}

type Shape = readonly number[];

const cotangentA = (
  b: GraphBuilder,
  g: string,
  w: string,
  shapeA: Shape,
  shapeB: Shape,
  shapeY: Shape,
): string => {
  const full = [...shapeY.slice(0, -1), shapeB[shapeB.length - 2]];
  return unbroadcast(b, matmul(b, g, transposeLast(b, w, shapeB.length)), full, shapeA);
};

function cotangentB(
  b: GraphBuilder,
  g: string,
  x: string,
  shapeA: Shape,
  shapeB: Shape,
  shapeY: Shape,
): string {
  const [inner, columns] = [shapeA[shapeA.length - 1], shapeY[shapeY.length - 1]];
  if (shapeB.length === 2 && shapeA.length > 2) {
    // A weight shared by the whole batch: one product over all rows instead of one per batch entry and a sum.
    const rows = shapeA.slice(0, -1).reduce((p, d) => p * d, 1);
    const flatX = reshape(b, x, shapeA, [rows, inner]);
    const flatG = reshape(b, g, shapeY, [rows, columns]);
    return matmul(b, transpose(b, flatX, [1, 0]), flatG);
  }
  const full = [...shapeY.slice(0, -2), inner, columns];
  return unbroadcast(b, matmul(b, transposeLast(b, x, shapeA.length), g), full, shapeB);
}

export const linalg: Record<string, Op> = { Gemm, MatMul, Einsum };
