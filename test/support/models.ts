import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Attribute, Graph, Node, ValueInfo } from '../../src/engine/graph/graph';
import { encodeGraph } from '../../src/engine/graph/toModel';
import type { Tensor } from '../../src/engine/onnx/tensor';
import { npz } from './npz';

type NodeSpec = readonly [
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
