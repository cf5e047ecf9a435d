import type { GraphBuilder } from '../graph/builder';
import { floatAttribute, intAttribute } from '../graph/graph';
import type { Canonical } from './canonicalForm';
import { expand } from './emit';
import {
  appended,
  attend,
  causalByLength,
  firstKeys,
  type Heads,
  mergeHeads,
  splitHeads,
  within,
} from './heads';
import type { Site } from './rule';

const known = new Set([
  'is_causal',
  'q_num_heads',
  'kv_num_heads',
  'qk_matmul_output_mode',
  'scale',
  'softcap',
  'softmax_precision',
]);

/** Attention of opsets 23 and 24, spelled out. Nodes with attributes of later versions stay as they are. */
export const Attention: Canonical = (b, at) => {
  if (Object.keys(at.node.attributes).some(name => !known.has(name))) return undefined;
  const mode = intAttribute(at.node, 'qk_matmul_output_mode', 0);
  const keyHeads = intAttribute(at.node, 'kv_num_heads', 0);
  const q = heads(b, at, 0, intAttribute(at.node, 'q_num_heads', 0));
  const grown = (i: number, past: number): Heads => {
    const own = heads(b, at, i, keyHeads);
    return at.has(past) ? appended(b, at.input(past), at.shape(past), own) : own;
  };
  const [k, v] = [grown(1, 4), grown(2, 5)];
  const { added, allowed } = masks(b, at, q.shape[2], k.shape[2]);
  const isScoreRead = (at.node.outputs[3] ?? '') !== '';
  if (isScoreRead && mode === 2 && allowed.length > 0) return undefined;
  const { result, stages } = attend(b, q, k, v, {
    scale: floatAttribute(at.node, 'scale', 1 / Math.sqrt(q.shape[3])),
    softcap: floatAttribute(at.node, 'softcap', 0),
    added,
    allowed,
  });
  const y = at.shape(0).length === 4 ? result.value : mergeHeads(b, result);
  return [y, k.value, v.value, stages[mode]];
};

/** Operand i with its heads apart; operands of rank 3 hold them side by side. */
function heads(b: GraphBuilder, at: Site, i: number, count: number): Heads {
  const shape = at.shape(i);
  return shape.length === 4
    ? { value: at.input(i), shape: shape as unknown as Heads['shape'] }
    : splitHeads(b, at.input(i), shape, count);
}

function masks(
  b: GraphBuilder,
  at: Site,
  rows: number,
  columns: number,
): { added: string[]; allowed: string[] } {
  const [added, allowed]: [string[], string[]] = [[], []];
  if (at.has(3)) {
    const isBool = at.typeOf(at.input(3)).elemType === 'bool';
    (isBool ? allowed : added).push(widened(b, at.input(3), at.shape(3), columns, isBool));
  }
  if (at.has(6)) allowed.push(firstKeys(b, at.input(6), at.shape(0)[0], columns));
  if (intAttribute(at.node, 'is_causal', 0) === 1) {
    // Queries are the last ones of the keys that there are: of each sample its own number, or all of them.
    const ownLengths = at.has(6) && !at.has(4);
    allowed.push(
      ownLengths
        ? causalByLength(b, at.input(6), at.shape(0)[0], rows, columns)
        : within(b, rows, columns, at.has(4) ? at.shape(4)[2] : 0),
    );
  }
  return { added, allowed };
}

/** A mask may leave out the last keys, which nobody sees then. */
function widened(
  b: GraphBuilder,
  mask: string,
  shape: readonly number[],
  columns: number,
  isBool: boolean,
): string {
  const missing = columns - shape[shape.length - 1];
  if (missing === 0) return mask;
  const hidden = isBool
    ? b.constant({ elemType: 'bool', shape: [], data: Uint8Array.of(0) })
    : b.scalar(-Infinity);
  const rest = expand(b, hidden, [], [...shape.slice(0, -1), missing]);
  return b.add('Concat', [mask, rest], { axis: { int: shape.length - 1 } });
}
