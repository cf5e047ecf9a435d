import assert from 'node:assert/strict';
import { jvp } from '../../src/engine/autodiff/jvp';
import { vjp } from '../../src/engine/autodiff/vjp';
import { GraphBuilder } from '../../src/engine/graph/builder';
import { toFloat32 } from '../../src/engine/graph/toFloat32';
import { float32Tensor, type Tensor } from '../../src/engine/onnx/tensor';
import { opOf } from '../../src/engine/ops/table';
import { prepare } from '../../src/engine/runtime/prepare';
import { Session } from '../../src/engine/runtime/session';
import { inferTypes } from '../../src/engine/runtime/types';
import { type GoldenCase, graphOf, tensorOf } from './golden';

/**
 * Float32 arithmetic on a few dozen terms, against float64: the error is some ulps (6e-8) of the largest term, and
 * reductions and divisions lose another digit or two.
 */
const TOLERANCE = 2e-5;

/** Checks value, jvp, vjp and the derivative of the vjp along the tangents against the golden numbers of one case. */
export async function checkRules(c: GoldenCase): Promise<void> {
  const graph = toFloat32(graphOf(c));
  const shapes = new Map(graph.inputs.map(i => [i.name, i.shape as number[]]));
  const sample = Object.fromEntries(graph.inputs.map(({ name }) => [name, tensorOf(c.inputs[name])]));
  const prepared = await prepare(graph, shapes, new Set(), sample);
  const sources = new Set(c.differentiable);

  const reverse = new GraphBuilder(prepared.graph, prepared.types);
  const cotangent = reverse.input({ name: 'cotangent', elemType: 'float32', shape: c.y.shape });
  const cotangents = vjp(
    reverse,
    prepared.graph.nodes,
    prepared.types,
    new Map([[c.output, cotangent]]),
    sources,
    sources,
  );
  const gradient = reverse.build([c.output, ...cotangents.values()]);

  const fed: Record<string, Tensor> = { ...sample, cotangent: float32Tensor(c.y.shape, c.cotangent) };
  const types = await inferTypes(gradient, fed);
  const forward = new GraphBuilder(gradient, types);
  const directions = new Map(
    c.differentiable.map(name => [
      name,
      forward.input({ name: `${name}/tangent`, elemType: 'float32', shape: c.inputs[name].shape }),
    ]),
  );
  const tangents = jvp(forward, gradient.nodes, types, directions, gradient.outputs);
  const named: [string, string | undefined, readonly number[]][] = [
    ['y', c.output, c.y.data],
    ['jvp', tangents.get(c.output), c.jvp],
    ...c.differentiable.flatMap((name): [string, string | undefined, readonly number[]][] => [
      [`vjp ${name}`, cotangents.get(name), c.vjp[name]],
      [`hvp ${name}`, tangents.get(cotangents.get(name) ?? ''), c.hvp[name]],
    ]),
  ];
  const outputs = [...new Set(named.flatMap(([, value]) => (value === undefined ? [] : [value])))];
  const whole = forward.build(outputs);
  const open = whole.nodes.filter(n => opOf(n) === undefined).map(n => n.opType);
  assert.deepEqual(open, [], `${c.name}: rules emit operators that have none themselves`);
  const session = await Session.create(whole);
  const feeds = { ...fed };
  for (const name of c.differentiable)
    feeds[`${name}/tangent`] = float32Tensor(c.inputs[name].shape, c.tangents[name]);
  const results = await session.run(feeds);
  await session.dispose();
  for (const [what, value, expected] of named) {
    const found =
      value === undefined ? expected.map(() => 0) : Array.from(results[value].data as Float32Array);
    assertClose(found, expected, `${c.name}: ${what}`);
  }
}

/**
 * Largest difference relative to the largest expected number. Below 0.01 that number is what terms of order 1 leave when
 * they cancel: three ulps of 1 are allowed there.
 */
export function assertClose(
  found: readonly number[],
  expected: readonly number[],
  what: string,
  tolerance = TOLERANCE,
): void {
  assert.equal(found.length, expected.length, `${what}: number of elements`);
  const scale = Math.max(1e-2, ...expected.map(Math.abs));
  const worst = Math.max(0, ...expected.map((e, i) => Math.abs(e - found[i]) / scale));
  assert.ok(
    worst <= tolerance,
    `${what} differs by ${worst.toExponential(2)} of its largest element ${scale.toExponential(2)}`,
  );
}
