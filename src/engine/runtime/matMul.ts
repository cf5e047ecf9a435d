import type { Graph } from '../graph/graph';
import type { Tensor } from '../onnx/tensor';
import { cpuSession, Session } from './session';

const graph: Graph = {
  ...{ name: 'matMul', opsets: new Map([['', 17]]), initializers: new Map(), outputs: ['product'] },
  inputs: [
    { name: 'a', elemType: 'float32', shape: [null, null, null] },
    { name: 'b', elemType: 'float32', shape: [null, null, null] },
  ],
  nodes: [
    {
      ...{ name: 'matMul', opType: 'MatMul', domain: '', inputs: ['a', 'b'], outputs: ['product'] },
      ...{ attributes: {}, captures: [], scope: '' },
    },
  ],
};

/** Made at first use and kept: it holds nothing but its threads. */
let session: Promise<Session> | undefined;

/**
 * Products of float32 matrices [batch, rows, inner] · [batch, inner, columns], by ONNX Runtime's threads and vector instructions on the CPU.
 * Both are read where they lie.
 */
export async function matMul(a: Tensor, b: Tensor): Promise<Float32Array> {
  // What runs between two products makes memory its own, and each page of it would interrupt threads that spin.
  session ??= Session.create(graph, { ...cpuSession, spinning: false });
  const { product } = await (await session).run({ a, b });
  return product.data as Float32Array;
}
