import type { Attribute, Graph, Node } from '../../../src/engine/graph/graph';
import { float32Tensor, int64Tensor, numElements, type Tensor } from '../../../src/engine/onnx/tensor';
import { Rng } from '../../../src/engine/util/rng';
import { input, makeGraph } from '../../support/models';

type Row = readonly [
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes?: Node['attributes'],
];

const normals = (name: string, ...shape: number[]): Tensor => {
  const scale = 1 / Math.sqrt(numElements(shape.slice(1)));
  return float32Tensor(
    shape,
    Rng.of(0, name)
      .normals(numElements(shape))
      .map(x => scale * x),
  );
};

/** Five convolutions over images of 3×64×64, two of them at half the resolution of the one before. */
export function convolutional(): Graph {
  const weights: Record<string, Tensor> = {};
  const rows: Row[] = [];
  let [x, channels] = ['x', 3];
  for (const [i, [outputs, stride]] of [
    [32, 1],
    [32, 1],
    [64, 2],
    [64, 1],
    [128, 2],
  ].entries()) {
    weights[`w${i}`] = normals(`w${i}`, outputs, channels, 3, 3);
    const attributes = { pads: { ints: [1, 1, 1, 1] }, strides: { ints: [stride, stride] } };
    rows.push(['Conv', [x, `w${i}`], `c${i}`, attributes], ['Relu', [`c${i}`], `r${i}`]);
    [x, channels] = [`r${i}`, outputs];
  }
  weights['head'] = normals('head', 10, channels);
  rows.push(
    ['GlobalAveragePool', [x], 'pooled'],
    ['Flatten', ['pooled'], 'features'],
    ['Gemm', ['features', 'head'], 'y', { transB: { int: 1 } }],
  );
  return makeGraph([input('x', 'N', 3, 64, 64)], weights, rows);
}

const [LENGTH, WIDTH, HEADS] = [64, 512, 8];

/** Three blocks of a transformer over 64 tokens of width 512: 9.4 million weights. */
export function transformer(): Graph {
  const constants: Record<string, Tensor> = {
    split: int64Tensor([0, LENGTH, HEADS, WIDTH / HEADS]),
    join: int64Tensor([0, LENGTH, WIDTH]),
    scale: float32Tensor([], [1 / Math.sqrt(WIDTH / HEADS)]),
    head: normals('head', WIDTH, 10),
  };
  const rows: Row[] = [];
  const add = (
    opType: string,
    inputs: string[],
    output: string,
    attributes: Record<string, Attribute> = {},
  ) => {
    rows.push([opType, inputs, output, attributes]);
    return output;
  };
  const product = (x: string, name: string, from: number, to: number): string => {
    constants[name] = normals(name, from, to);
    return add('MatMul', [x, name], `${name}/product`);
  };
  let x = 'x';
  for (let l = 0; l < 3; l++) {
    constants[`${l}/gain`] = float32Tensor([WIDTH], new Float32Array(WIDTH).fill(1));
    const normalized = add('LayerNormalization', [x, `${l}/gain`], `${l}/normalized`);
    const heads = (name: string, perm: number[]): string => {
      const all = product(normalized, `${l}/${name}`, WIDTH, WIDTH);
      const split = add('Reshape', [all, 'split'], `${l}/${name}/split`);
      return add('Transpose', [split], `${l}/${name}/heads`, { perm: { ints: perm } });
    };
    const [q, k, v] = [heads('q', [0, 2, 1, 3]), heads('k', [0, 2, 3, 1]), heads('v', [0, 2, 1, 3])];
    const scores = add('Mul', [add('MatMul', [q, k], `${l}/qk`), 'scale'], `${l}/scores`);
    const read = add('MatMul', [add('Softmax', [scores], `${l}/shares`), v], `${l}/read`);
    const rowsOf = add('Transpose', [read], `${l}/rows`, { perm: { ints: [0, 2, 1, 3] } });
    const joined = add('Reshape', [rowsOf, 'join'], `${l}/joined`);
    const attended = add('Add', [x, product(joined, `${l}/o`, WIDTH, WIDTH)], `${l}/attended`);
    const wide = add('Relu', [product(attended, `${l}/up`, WIDTH, 4 * WIDTH)], `${l}/wide`);
    x = add('Add', [attended, product(wide, `${l}/down`, 4 * WIDTH, WIDTH)], `${l}/out`);
  }
  add('MatMul', [add('ReduceMean', [x], 'mean', { axes: { ints: [1] }, keepdims: { int: 0 } }), 'head'], 'y');
  return makeGraph([input('x', 'N', LENGTH, WIDTH)], constants, rows);
}
