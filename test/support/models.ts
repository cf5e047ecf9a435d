import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Attribute, Graph, Node, ValueInfo } from '../../src/engine/graph/graph';
import { encodeGraph } from '../../src/engine/graph/toModel';
import { int64Tensor, type Tensor } from '../../src/engine/onnx/tensor';
import { npz } from './npz';

export type NodeSpec = readonly [
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes?: Record<string, Attribute>,
  domain?: string,
];

/** A small graph from a table of nodes; each node is named after its output. */
export function makeGraph(
  inputs: readonly ValueInfo[],
  initializers: Record<string, Tensor>,
  nodes: readonly NodeSpec[],
  opset = 17,
): Graph {
  return {
    name: 'test',
    opsets: new Map([
      ['', opset],
      ...nodes.flatMap(([, , , , domain]): [string, number][] => (domain ? [[domain, 1]] : [])),
    ]),
    inputs,
    outputs: [nodes.at(-1)![2]],
    initializers: new Map(Object.entries(initializers)),
    nodes: nodes.map(([opType, ins, output, attributes = {}, domain = '']): Node => ({
      name: output,
      opType,
      domain,
      inputs: ins,
      outputs: [output],
      attributes,
      captures: [],
      scope: '',
    })),
  };
}

export const input = (name: string, ...shape: (number | string)[]): ValueInfo => ({
  name,
  elemType: 'float32',
  shape,
});

/** Two layers around an RNN over three steps, an operator without a derivative rule that ONNX Runtime runs. */
export function recurrentGraph(weights: (...shape: number[]) => Tensor): Graph {
  const ints = (...values: number[]): Tensor => int64Tensor(values);
  return makeGraph(
    [input('x', 'N', 3, 6)],
    {
      ...{ before: weights(6, 4), w: weights(1, 5, 4), r: weights(1, 5, 5), behind: weights(5, 4) },
      ...{ one: ints(1), last: int64Tensor([2], []) },
    },
    [
      ['MatMul', ['x', 'before'], 'a'],
      ['Tanh', ['a'], 'g'],
      ['Transpose', ['g'], 't', { perm: { ints: [1, 0, 2] } }],
      ['RNN', ['t', 'w', 'r'], 'all', { hidden_size: { int: 5 } }],
      ['Squeeze', ['all', 'one'], 's'],
      ['Gather', ['s', 'last'], 'h', { axis: { int: 0 } }],
      ['MatMul', ['h', 'behind'], 'y'],
    ],
  );
}

/** A folder for one test's files, removed by `remove`. */
export class Workspace {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'curvature-'));

  model(name: string, graph: Graph): string {
    return this.write(name, encodeGraph(graph));
  }

  npz(name: string, arrays: Parameters<typeof npz>[0]): string {
    return this.write(name, npz(arrays));
  }

  write(name: string, content: Uint8Array | string): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
