import type { GraphProto, ModelProto, NodeProto } from 'onnx-buf';
import { isStandard } from '../graph/fromProto';
import { modernNode } from '../graph/modernSubgraphs';
import { encodeTensor } from '../onnx/tensor';
import { bodiesOf } from './definitions';

/** Below this operator set operands were broadcast in another way: nothing is raised from there. */
const OLDEST = 8;

/** An operator set from which on a node of the older form would be invalid, or mean something else. */
interface Change {
  readonly since: number;
  readonly breaks: (node: NodeProto) => boolean;
  /** Whether an attribute has become an operand, and moving it there keeps the meaning. */
  readonly mends?: boolean;
}

const always = (): boolean => true;
const has =
  (...names: string[]) =>
  (node: NodeProto): boolean =>
    node.attribute.some(a => names.includes(a.name));
const attribute = (node: NodeProto, name: string): bigint | undefined =>
  node.attribute.find(a => a.name === name)?.i;

const moved = (since: number, ...names: string[]): Change => ({ since, breaks: has(...names), mends: true });

/** The older form flattened the axes from `axis` on, by default from the second; on the last axis both are the same. */
const flattening: readonly Change[] = [{ since: 13, breaks: node => attribute(node, 'axis') !== -1n }];
const reduction: readonly Change[] = [moved(18, 'axes')];

/**
 * Where the standard's operators changed in ways that matter to a node that was valid before, from set 8 to 25. What is not
 * listed has only gained types, attributes or operands. Source: the version histories in ONNX's operator schemas.
 */
const changes: Readonly<Record<string, readonly Change[]>> = {
  ...Object.fromEntries(
    ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'].map(name => [
      `Reduce${name}`,
      reduction,
    ]),
  ),
  ReduceSum: [moved(13, 'axes')],
  Squeeze: [moved(13, 'axes')],
  Unsqueeze: [moved(13, 'axes')],
  Split: [moved(13, 'split'), { since: 18, breaks: node => node.input.length < 2, mends: true }],
  Slice: [moved(10, 'starts')],
  TopK: [moved(10, 'k')],
  Pad: [moved(11, 'pads')],
  Clip: [moved(11, 'min', 'max')],
  Dropout: [moved(12, 'ratio')],
  Scatter: [{ since: 11, breaks: always, mends: true }],
  Softmax: flattening,
  LogSoftmax: flattening,
  Hardmax: flattening,
  Attention: [
    { since: 24, breaks: always },
    { since: 25, breaks: always },
  ],
  // With a ceiling, windows that hang over the edge are averaged over fewer elements.
  AveragePool: [{ since: 19, breaks: node => attribute(node, 'ceil_mode') === 1n }],
  BatchNormalization: [
    { since: 9, breaks: has('spatial') },
    { since: 14, breaks: node => node.output.length > 1 },
  ],
  DFT: [{ since: 20, breaks: always }],
  GridSample: [{ since: 20, breaks: always }],
  GroupNormalization: [{ since: 21, breaks: always }],
  Resize: [{ since: 11, breaks: always }],
  RoiAlign: [{ since: 16, breaks: node => !has('coordinate_transformation_mode')(node) }],
  Scan: [{ since: 9, breaks: always }],
  Upsample: [
    { since: 9, breaks: always },
    { since: 10, breaks: always },
  ],
};

const changesBetween = (node: NodeProto, from: number, to: number): readonly Change[] =>
  isStandard(node.domain) && Object.hasOwn(changes, node.opType)
    ? changes[node.opType].filter(c => from < c.since && c.since <= to && c.breaks(node))
    : [];

export const operatorSetOf = (model: ModelProto): number =>
  Number(model.opsetImport.find(o => isStandard(o.domain))?.version ?? 1n);

/** The bodies of a model that share its operator set, those of its functions included. */
const allNodes = (model: ModelProto): NodeProto[] => [
  ...bodiesOf(model.graph!).flatMap(body => body.node),
  ...model.functions.flatMap(f => f.node),
];

/** The operators, by name, that a newer operator set would give another meaning, and that can't be rewritten to keep it. */
export function obstaclesTo(model: ModelProto, to: number): string[] {
  const from = operatorSetOf(model);
  if (from >= to) return [];
  if (from < OLDEST) return [`operator set ${from}`];
  const found = allNodes(model).filter(node => {
    const broken = changesBetween(node, from, to);
    // A function's body has no initializers, which moved attributes would need.
    const canMend = broken.every(c => c.mends) && !model.functions.some(f => f.node.includes(node));
    return broken.length > 0 && !canMend;
  });
  return [...new Set(found.map(n => n.opType))];
}

/** Brings a model to a newer operator set; `obstaclesTo` must have found nothing in the way. */
export function raiseOperatorSet(model: ModelProto, to: number): void {
  const from = operatorSetOf(model);
  if (from >= to) return;
  for (const body of bodiesOf(model.graph!)) mend(body, from, to);
  for (const list of [model.opsetImport, ...model.functions.map(f => f.opsetImport)])
    for (const o of list) if (isStandard(o.domain) && Number(o.version) < to) o.version = BigInt(to);
}

function mend(body: GraphProto, from: number, to: number): void {
  body.node = body.node.flatMap(node =>
    changesBetween(node, from, to).length === 0
      ? [node]
      : modernNode(node, from, (name, tensor) => {
          body.initializer.push(encodeTensor(name, tensor));
          return name;
        }),
  );
}
