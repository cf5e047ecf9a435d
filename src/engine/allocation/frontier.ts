import { invariant } from '../errors';
import { type AllocationProblem, type Choice } from './problem';

/** All choices of bit widths that no other choice beats in both bytes and sensitivity, by rising bytes. */
export interface Frontier {
  readonly size: number;
  readonly bytes: Float64Array;
  /** ΣΩ; strictly falling. */
  readonly sensitivity: Float64Array;
  /**
   * 0 when the frontier is exact. Otherwise: for every possible choice there is a point here that is no
   * larger and whose sensitivity is at most (1 + gap) times the choice's.
   */
  readonly gap: number;
  /** The bit width of each layer at a point, in the problem's order. */
  bits(point: number): number[];
}

/**
 * A frontier of the first layers; each point knows the point of one layer fewer it came from, and by which
 * choice.
 */
interface Points {
  readonly bytes: Float64Array;
  readonly sensitivity: Float64Array;
  readonly parent: Uint32Array;
  readonly choice: Uint8Array;
}

/** Points kept per layer; more are thinned. */
const DEFAULT_CAP = 200_000;

/**
 * The Pareto frontier of ΣΩ against bytes, layer by layer: each point of the layers so far is extended by
 * each choice, and what is dominated goes (Nemhauser & Ullmann, Management Science 15, 1969). It is the
 * frontier that HAWQ-V2 draws.
 *
 * Each choice shifts the sorted frontier as a whole, so one merge of the shifted lists sorts and prunes at
 * once, in O(points × choices²) per layer. Memory: 5 bytes per layer and point.
 *
 * @param cap the most points kept per layer, at least 2; beyond it neighbours are merged and `gap` says what
 * that may cost.
 */
export function paretoFrontier(problem: AllocationProblem, cap = DEFAULT_CAP): Frontier {
  let { bytes, sensitivity }: Pick<Points, 'bytes' | 'sensitivity'> = {
    bytes: new Float64Array(1),
    sensitivity: new Float64Array(1),
  };
  let gap = 0;
  const layers: { parent: Uint32Array; choice: Uint8Array; widths: number[] }[] = [];

  for (const layer of problem) {
    const choices = undominated(layer.choices);
    invariant(choices.length > 0, `layer '${layer.name}' has no choices`);
    const merged = merge(bytes, sensitivity, choices);
    const thinned = merged.bytes.length > cap ? thin(merged, cap) : { points: merged, gap: 0 };
    ({ bytes, sensitivity } = thinned.points);
    gap = (1 + gap) * (1 + thinned.gap) - 1;
    const { parent, choice } = thinned.points;
    layers.push({ parent, choice, widths: choices.map(c => c.bits) });
  }

  const bits = (point: number): number[] => {
    const widths = new Array<number>(layers.length);
    for (let l = layers.length - 1, at = point; l >= 0; l--) {
      widths[l] = layers[l].widths[layers[l].choice[at]];
      at = layers[l].parent[at];
    }
    return widths;
  };
  return { size: bytes.length, bytes, sensitivity, gap, bits };
}

/** The choices that no other beats, by rising bytes; of equal ones the first. */
function undominated(choices: readonly Choice[]): Choice[] {
  const kept: Choice[] = [];
  for (const choice of [...choices].sort((a, b) => a.bytes - b.bytes || a.sensitivity - b.sensitivity)) {
    const last = kept.at(-1);
    if (!last || choice.sensitivity < last.sensitivity) kept.push(choice);
  }
  return kept;
}

/**
 * The frontier of one layer more: the lists shifted by each choice, merged by bytes, without the dominated.
 */
function merge(bytes: Float64Array, sensitivity: Float64Array, choices: readonly Choice[]): Points {
  const total = bytes.length * choices.length;
  const points: Points = {
    bytes: new Float64Array(total),
    sensitivity: new Float64Array(total),
    parent: new Uint32Array(total),
    choice: new Uint8Array(total),
  };
  const heads = new Uint32Array(choices.length);
  let size = 0;
  let least = Infinity;
  for (let taken = 0; taken < total; taken++) {
    let best = -1;
    let bestBytes = Infinity;
    let bestSensitivity = Infinity;
    for (let c = 0; c < choices.length; c++) {
      const head = heads[c];
      if (head === bytes.length) continue;
      const headBytes = bytes[head] + choices[c].bytes;
      if (headBytes > bestBytes) continue;
      const headSensitivity = sensitivity[head] + choices[c].sensitivity;
      if (best >= 0 && headBytes === bestBytes && headSensitivity >= bestSensitivity) continue;
      best = c;
      bestBytes = headBytes;
      bestSensitivity = headSensitivity;
    }
    if (bestSensitivity < least) {
      points.bytes[size] = bestBytes;
      points.sensitivity[size] = bestSensitivity;
      points.parent[size] = heads[best];
      points.choice[size] = best;
      least = bestSensitivity;
      size += 1;
    }
    heads[best] += 1;
  }
  return {
    bytes: points.bytes.slice(0, size),
    sensitivity: points.sensitivity.slice(0, size),
    parent: points.parent.slice(0, size),
    choice: points.choice.slice(0, size),
  };
}

/**
 * Leaves out points whose sensitivity is within a factor (1 + gap) of the smaller point kept before them,
 * with the least gap, to a few bisections, that brings the number below the cap. Sensitivities of later
 * layers add to both sides and so only narrow the ratio. Both ends stay.
 */
function thin(points: Points, cap: number): { points: Points; gap: number } {
  let kept = keepWithin(points.sensitivity, Infinity);
  let [low, gap] = [0, Infinity];
  for (let step = 0; step < 40 && (gap === Infinity || gap - low > 0.05 * gap); step++) {
    // From below by powers of ten until something fits, then by halving.
    const middle = gap === Infinity ? Math.max(low * 10, 1e-9) : (low + gap) / 2;
    const candidate = keepWithin(points.sensitivity, middle);
    if (candidate.length <= cap) [kept, gap] = [candidate, middle];
    else low = middle;
  }
  const pick = (from: Float64Array): Float64Array<ArrayBuffer> => Float64Array.from(kept, i => from[i]);
  return {
    points: {
      bytes: pick(points.bytes),
      sensitivity: pick(points.sensitivity),
      parent: Uint32Array.from(kept, i => points.parent[i]),
      choice: Uint8Array.from(kept, i => points.choice[i]),
    },
    gap,
  };
}

function keepWithin(sensitivity: Float64Array, gap: number): number[] {
  const kept: number[] = [];
  let anchor = Infinity;
  const last = sensitivity.length - 1;
  for (let i = 0; i <= last; i++) {
    if (i === 0 || i === last || anchor > (1 + gap) * sensitivity[i]) {
      kept.push(i);
      anchor = sensitivity[i];
    }
  }
  return kept;
}
