import assert from 'node:assert/strict';
import { jvp } from '../../src/engine/autodiff/jvp';
import { vjp } from '../../src/engine/autodiff/vjp';
import { GraphBuilder } from '../../src/engine/graph/builder';
import { float32Tensor, numElements, type Tensor } from '../../src/engine/onnx/tensor';
import { opOf } from '../../src/engine/ops/table';
import type { Prepared } from '../../src/engine/runtime/prepare';
import { type Feeds, Session } from '../../src/engine/runtime/session';
import { inferTypes } from '../../src/engine/runtime/types';
import { Rng } from '../../src/engine/util/rng';
import { dot, norm } from '../../src/engine/util/vector';

/** Steps of the central differences; where the two disagree, a kink or a pole lies between. */
const STEP = 2e-2;

/**
 * Checks derivatives without an oracle: the Jacobian product against central differences of the graph itself, the
 * transposed Jacobian against it by ⟨u, Jv⟩ = ⟨Jᵀu, v⟩, and the second derivative by its symmetry.
 * @param sources values to differentiate by; @param target the value that is differentiated
 * @returns the number of elements that differences could be compared at
 */
export async function checkDerivatives(
  prepared: Prepared,
  sources: readonly string[],
  target: string,
  feeds: Feeds,
  what: string,
): Promise<number> {
  const rng = Rng.of(1, what);
  const { graph, types } = prepared;
  const shapeOf = (name: string): readonly number[] => types.get(name)!.shape;
  const draw = (name: string): Tensor => {
    const shape = shapeOf(name);
    return float32Tensor(shape, rng.normals(numElements(shape)));
  };
  const reverse = new GraphBuilder(graph, types);
  const seed = reverse.input({ name: 'check/cotangent', elemType: 'float32', shape: shapeOf(target) });
  const wanted = new Set(sources);
  const cotangents = vjp(reverse, graph.nodes, types, new Map([[target, seed]]), wanted, wanted);
  const gradient = reverse.build([...new Set([target, ...cotangents.values()])]);
  const gradientTypes = await inferTypes(gradient, { ...feeds, 'check/cotangent': draw(target) });
  const forward = new GraphBuilder(gradient, gradientTypes);
  const tangentName = (name: string): string => `check/${name}/tangent`;
  const seeds = new Map(
    sources.map(name => [
      name,
      forward.input({ name: tangentName(name), elemType: 'float32', shape: shapeOf(name) }),
    ]),
  );
  const tangents = jvp(forward, gradient.nodes, gradientTypes, seeds, gradient.outputs);
  const alongTarget = tangents.get(target);
  const second = sources.map(name => tangents.get(cotangents.get(name) ?? ''));
  const outputs = [target, alongTarget, ...cotangents.values(), ...second].filter(v => v !== undefined);
  const whole = forward.build([...new Set(outputs)]);
  const open = whole.nodes.filter(n => opOf(n) === undefined).map(n => n.opType);
  assert.deepEqual(open, [], `${what}: rules emit operators that have none themselves`);

  const session = await Session.create(whole);
  const cotangent = draw(target);
  const run = async (direction: readonly Tensor[], step = 0): Promise<Record<string, Tensor>> => {
    const given: Record<string, Tensor> = {};
    const all: Feeds = {
      ...feeds,
      'check/cotangent': cotangent,
      ...Object.fromEntries(sources.map((name, i) => [tangentName(name), direction[i]])),
      ...Object.fromEntries(sources.map((name, i) => [name, moved(feeds[name], direction[i], step)])),
    };
    for (const { name } of whole.inputs) given[name] = all[name];
    return session.run(given);
  };
  const value = (results: Record<string, Tensor>, name: string | undefined, shape: readonly number[]) =>
    name === undefined ? new Float32Array(numElements(shape)) : (results[name].data as Float32Array);

  const v = sources.map(draw);
  const w = sources.map(draw);
  const results = await run(v);
  const jv = value(results, alongTarget, shapeOf(target));
  const valueAt = async (step: number): Promise<Float32Array> =>
    (await run(v, step))[target].data as Float32Array;
  const far = { step: STEP, up: await valueAt(STEP), down: await valueAt(-STEP) };
  const near = { step: STEP / 2, up: await valueAt(STEP / 2), down: await valueAt(-STEP / 2) };
  const largest = Math.max(...sources.map(name => maxAbs(feeds[name].data as Float32Array)));
  const compared = compareDifferences(jv, results[target].data as Float32Array, far, near, largest, what);

  const u = cotangent.data as Float32Array;
  const pulled = sources.map(name => value(results, cotangents.get(name), shapeOf(name)));
  const [left, right] = [dot(u, jv), sum(pulled.map((g, i) => dot(g, v[i].data as Float32Array)))];
  const size = sum(pulled.map((g, i) => norm(g) * norm(v[i].data as Float32Array))) + norm(u) * norm(jv);
  assertAgree(left, right, size, `${what}: ⟨u, Jv⟩ and ⟨Jᵀu, v⟩`);

  const curvatures = (r: Record<string, Tensor>) =>
    second.map((name, i) => value(r, name, shapeOf(sources[i])));
  const [hv, hw] = [curvatures(results), curvatures(await run(w))];
  const against = (h: readonly Float32Array[], d: readonly Tensor[]): number =>
    sum(h.map((x, i) => dot(x, d[i].data as Float32Array)));
  const weight = sum(hv.map((h, i) => norm(h) * norm(w[i].data as Float32Array)));
  assertAgree(against(hv, w), against(hw, v), weight, `${what}: ⟨w, Hv⟩ and ⟨v, Hw⟩`);
  await session.dispose();
  return compared;
}

const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);

const moved = (x: Tensor, direction: Tensor, step: number): Tensor =>
  step === 0
    ? x
    : float32Tensor(
        x.shape,
        Float32Array.from(x.data as Float32Array, (e, i) => e + step * (direction.data as Float32Array)[i]),
      );

/** Float32 sums of a few hundred terms, twice differentiated. */
function assertAgree(left: number, right: number, size: number, what: string): void {
  if (!Number.isFinite(left + right) && !Number.isFinite(size)) return;
  assert.ok(
    Math.abs(left - right) <= 1e-4 * size + 1e-6,
    `${what} differ: ${left} and ${right} (of ${size})`,
  );
}

/** Values one step up and one step down from the point. */
interface Neighbours {
  readonly step: number;
  readonly up: Float32Array;
  readonly down: Float32Array;
}

/**
 * Compares with central differences, extrapolated to step 0, at the elements that are smooth within the steps: there the
 * central differences agree, and the slopes to both sides differ half as much with half the step.
 * @param largest of the operands, whose rounding the differences carry
 */
function compareDifferences(
  found: Float32Array,
  y: Float32Array,
  far: Neighbours,
  near: Neighbours,
  largest: number,
  what: string,
): number {
  const central = ({ step, up, down }: Neighbours, i: number): number => (up[i] - down[i]) / (2 * step);
  const bend = ({ step, up, down }: Neighbours, i: number): number =>
    Math.abs(up[i] - 2 * y[i] + down[i]) / step;
  const finite = Array.from(y, (_, i) => central(near, i)).filter(Number.isFinite);
  const scale = Math.max(1e-2, maxAbs(finite));
  let compared = 0;
  found.forEach((derivative, i) => {
    const [coarse, fine] = [central(far, i), central(near, i)];
    const spread = Math.abs(fine - coarse);
    const noise = (8 * ULP * (Math.abs(y[i]) + largest)) / near.step;
    const isSmooth =
      spread <= 0.02 * scale + noise && bend(near, i) <= 0.7 * bend(far, i) + 1e-3 * scale + noise;
    if (!isSmooth) return;
    compared++;
    const expected = (4 * fine - coarse) / 3;
    assert.ok(
      Math.abs(derivative - expected) <= 2e-3 * scale + 3 * spread + noise,
      `${what}: element ${i} of the Jacobian product is ${derivative}, differences say ${expected}`,
    );
  });
  return compared;
}

const ULP = 2 ** -24;

const maxAbs = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((x, y) => Math.max(x, Math.abs(y)), 0);
