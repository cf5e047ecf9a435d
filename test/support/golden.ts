import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Attribute, Graph } from '../../src/engine/graph/graph';
import {
  clampedInt64,
  type ElemType,
  float32Tensor,
  storage,
  type Tensor,
} from '../../src/engine/onnx/tensor';

/** One operator case as test/golden/operators.py writes it. */
export interface GoldenCase {
  readonly name: string;
  readonly opset: number;
  readonly nodes: readonly {
    readonly opType: string;
    readonly domain?: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly attributes: Readonly<Record<string, Attribute>>;
  }[];
  readonly inputs: Readonly<
    Record<
      string,
      { readonly elemType: ElemType; readonly shape: readonly number[]; readonly data: readonly number[] }
    >
  >;
  readonly constants: readonly string[];
  readonly differentiable: readonly string[];
  readonly output: string;
  readonly y: { readonly shape: readonly number[]; readonly data: readonly number[] };
  readonly cotangent: readonly number[];
  readonly tangents: Readonly<Record<string, readonly number[]>>;
  readonly jvp: readonly number[];
  readonly vjp: Readonly<Record<string, readonly number[]>>;
  readonly hvp: Readonly<Record<string, readonly number[]>>;
}

export const goldenFolder = path.resolve('test/golden');

export function goldenCases(): GoldenCase[] {
  const folder = path.join(goldenFolder, 'operators');
  return readdirSync(folder)
    .filter(f => f.endsWith('.json'))
    .flatMap(f => (JSON.parse(readFileSync(path.join(folder, f), 'utf8')) as { cases: GoldenCase[] }).cases);
}

export function tensorOf({ elemType, shape, data }: GoldenCase['inputs'][string]): Tensor {
  if (elemType === 'float32') return float32Tensor(shape, data);
  if (elemType === 'int64') return { elemType, shape, data: BigInt64Array.from(data, clampedInt64) };
  const integers = new storage[elemType](data.length);
  data.forEach((value, i) => (integers[i] = Number(value)));
  return { elemType, shape, data: integers };
}

export function graphOf(c: GoldenCase): Graph {
  const names = Object.keys(c.inputs);
  return {
    name: c.name,
    opsets: new Map([
      ['', c.opset],
      ...c.nodes.map((n): [string, number] => [n.domain ?? '', n.domain ? 1 : c.opset]),
    ]),
    inputs: names
      .filter(n => !c.constants.includes(n))
      .map(name => ({ name, elemType: c.inputs[name].elemType, shape: c.inputs[name].shape })),
    outputs: [c.output],
    initializers: new Map(c.constants.map(name => [name, tensorOf(c.inputs[name])])),
    nodes: c.nodes.map((n, i) => ({ name: `node${i}`, domain: '', captures: [], scope: '', ...n })),
  };
}

/** A test vector that needs no random numbers: the sign is bit 31 of the index times Knuth's constant. */
export const fixedVector = (n: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => (Math.imul(i, 2654435761) < 0 ? -1 : 1));
