import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { isFloat, type Tensor, toNumbers } from '../../../src/engine/onnx/tensor';
import { CurvatureError } from '../../../src/engine/errors';
import { type Dimension, type Graph, qualifiedOpType } from '../../../src/engine/graph/graph';
import { isDifferentiable, opOf } from '../../../src/engine/ops/table';
import { type Prepared, prepare } from '../../../src/engine/runtime/prepare';
import { type Feeds, Session } from '../../../src/engine/runtime/session';
import { checkDerivatives } from '../../support/checkDerivatives';
import { type NodeTest, nodeTests, withStoredSettings } from '../../support/nodeTests';

/** ONNX's own tests of every operator: value and derivatives of what this engine makes of each. */

/** Cases that are left out, by reason: no more than these. */
const noRule: Readonly<Record<string, number>> = {
  // Losses and operators of training.
  ...{ NegativeLogLikelihoodLoss: 45, SoftmaxCrossEntropyLoss: 30, Dropout: 6, BatchNormalization: 2 },
  // Control flow and recurrence.
  ...{ Scan: 18, Loop: 5, If: 1, LSTM: 5, GRU: 5, RNN: 5 },
  // Models that are quantized already.
  ...{ QuantizeLinear: 9, DequantizeLinear: 5, DynamicQuantizeLinear: 3, QLinearMatMul: 8, QLinearConv: 1 },
  ...{ ConvInteger: 2, MatMulInteger: 1 },
  // Forms of operators that have rules: products and extremes by scatter, ratios that are kept, indices by column.
  ...{ ScatterND: 5, ScatterElements: 3, Resize: 4, MaxPool: 1, Attention: 2 },
  // The rest.
  ...{
    GridSample: 18,
    AffineGrid: 4,
    DeformConv: 4,
    MaxUnpool: 2,
    Det: 2,
    CumProd: 9,
  },
  ...{ TensorScatter: 3, BitCast: 7, Unique: 7, TfIdfVectorizer: 7, OptionalGetElement: 1 },
  ...{ 'ai.onnx.ml::TreeEnsemble': 2, 'ai.onnx.ml::ArrayFeatureExtractor': 1, 'ai.onnx.ml::Binarizer': 1 },
};
/** Operators that ONNX Runtime has no kernel for on the CPU, not for these types or attributes, or not yet. */
const REFUSED = 'ONNX Runtime refuses';
const MAX_REFUSED = 137;
const UNREADABLE = 'no tensors of numbers';
const MAX_UNREADABLE = 193;

const left = new Map<string, string[]>();
let [count, differentiated] = [0, 0];
const leave = (reason: string, name: string): void => {
  left.set(reason, [...(left.get(reason) ?? []), name]);
};

const only = process.env['NODE_TESTS'];
for (const [name, read] of nodeTests()) {
  if (only !== undefined && !new RegExp(only).test(name)) continue;
  test(name, async () => {
    let given: NodeTest;
    try {
      given = read();
    } catch {
      return leave(UNREADABLE, name);
    }
    // What shapes alone decide is folded, and nothing is left to run.
    if (given.graph.nodes.every(n => ['Shape', 'Size'].includes(n.opType))) return;
    const stored = withStoredSettings(given);
    const hasData = stored.graph.inputs.length > 0;
    const operators = [...new Set(given.graph.nodes.map(qualifiedOpType))].join(' ');
    let prepared: Prepared;
    try {
      prepared = await prepareTest(hasData ? stored : given);
    } catch (error) {
      if (!(error instanceof CurvatureError)) throw error;
      return leave(`${REFUSED} ${operators}`, name);
    }
    const unknown = prepared.graph.nodes.find(n => opOf(n) === undefined);
    if (unknown) return leave(`no rule for ${qualifiedOpType(unknown)}`, name);
    const isRun = await checkValue(given, await prepareTest(given));
    if (!isRun) return leave(`${REFUSED} ${operators}`, name);
    count++;
    if (!hasData) return;
    await checkValue(stored, prepared);
    const target = prepared.graph.outputs.find(o => isFloat(prepared.types.get(o)!.elemType));
    const sources = differentiable(prepared);
    if (target === undefined || sources.length === 0) return;
    if ((await checkDerivatives(prepared, sources, target, stored.feeds, name)) > 0) differentiated++;
  });
}

const prepareTest = ({ graph, feeds }: NodeTest): Promise<Prepared> =>
  prepare(graph, new Map(Object.entries(feeds).map(([n, t]) => [n, t.shape])), new Set(), feeds);

/** Inputs that are nowhere read as what counts as constant, such as running statistics. */
function differentiable({ graph }: Prepared): string[] {
  const constant = new Set(graph.nodes.flatMap(n => n.inputs.filter((_, i) => !isDifferentiable(n, i))));
  const hasElements = (shape: readonly Dimension[]): boolean => !shape.includes(0);
  return graph.inputs.filter(i => hasElements(i.shape) && !constant.has(i.name)).map(i => i.name);
}

/**
 * Compares with what the case expects, or, where ONNX Runtime itself has it otherwise, with that.
 * @returns false where ONNX Runtime runs neither graph
 */
async function checkValue(given: NodeTest, { graph: ours }: Prepared): Promise<boolean> {
  const { name, graph, feeds, precision, expected } = given;
  let results: Record<string, Tensor>;
  try {
    results = await run(ours, feeds);
  } catch {
    await assert.rejects(run(graph, feeds), `${name}: runs until it is prepared`);
    return false;
  }
  try {
    compare(results, ours.outputs, expected, precision, name);
  } catch (difference) {
    let own: Record<string, Tensor>;
    try {
      own = await run(graph, feeds);
    } catch {
      throw difference;
    }
    compare(
      results,
      ours.outputs,
      graph.outputs.map(o => own[o]),
      precision,
      name,
    );
    leave('ONNX Runtime computes otherwise', name);
  }
  return true;
}

async function run(graph: Graph, feeds: Feeds): Promise<Record<string, Tensor>> {
  const session = await Session.create(graph);
  const results = await session.run(Object.fromEntries(graph.inputs.map(i => [i.name, feeds[i.name]])));
  await session.dispose();
  return results;
}

const compare = (
  results: Record<string, Tensor>,
  outputs: readonly string[],
  expected: readonly Tensor[],
  precision: string,
  what: string,
): void => outputs.forEach((o, i) => assertClose(results[o], expected[i], precision, `${what}: ${o}`));

const digits = { float32: 1e-4, float16: 4e-3, bfloat16: 3e-2 } as const;

function assertClose(found: Tensor, expected: Tensor, precision: string, what: string): void {
  assert.deepEqual([...found.shape], [...expected.shape], `${what}: shape`);
  const [a, e] = [toNumbers(found), toNumbers(expected)];
  const tolerance = digits[precision as keyof typeof digits] ?? 1e-4;
  e.forEach((x, i) => {
    const agrees =
      Object.is(a[i], x) || a[i] === x || Math.abs(a[i] - x) <= tolerance * Math.max(1, Math.abs(x));
    assert.ok(agrees, `${what}[${i}] is ${a[i]}, expected ${x}`);
  });
}

test('no more cases are left out than are known', { skip: only !== undefined }, () => {
  for (const [operator, most] of Object.entries(noRule)) allow(`no rule for ${operator}`, most);
  const refused = [...left].filter(([reason]) => reason.startsWith(REFUSED));
  assert.ok(sum(refused) <= MAX_REFUSED, `ONNX Runtime refuses ${sum(refused)} cases`);
  allow(UNREADABLE, MAX_UNREADABLE);
  const others = [...left.keys()].filter(r => r.startsWith('no rule') && noRule[r.slice(12)] === undefined);
  assert.deepEqual(others, []);
});

const sum = (reasons: readonly [string, string[]][]): number =>
  reasons.reduce((total, [, names]) => total + names.length, 0);

const allow = (reason: string, most: number): void =>
  assert.ok((left.get(reason)?.length ?? 0) <= most, `${reason}: ${left.get(reason)?.join(' ')}`);

after(() => {
  console.log(`${count} cases run, ${differentiated} differentiated`);
  for (const [reason, names] of [...left].sort((p, q) => q[1].length - p[1].length))
    console.log(`${String(names.length).padStart(5)} ${reason}: ${names.slice(0, 3).join(' ')}`);
});
