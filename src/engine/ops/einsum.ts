import type { GraphBuilder } from '../graph/builder';
import { stringAttribute } from '../graph/graph';
import { float32Tensor } from '../onnx/tensor';
import { sumDerivatives, unbroadcast } from './emit';
import type { Op, Site } from './rule';

/** An Einsum's equation with every axis of every operand under a letter of its own kind, implicit forms written out. */
interface Equation {
  readonly operands: readonly string[];
  readonly result: string;
  /** Length of each letter's axes; operands may have 1 in its place where an ellipsis broadcasts. */
  readonly lengths: ReadonlyMap<string, number>;
}

/**
 * y = Σ Π operands over the axes that the result does not name. Linear in each operand, and its adjoint in one of them is
 * an Einsum of the others with the cotangent.
 */
export const Einsum: Op = {
  linearity: 'multilinear',
  jvp: (b, at, tangents) => [
    sumDerivatives(
      b,
      tangents.map((t, i) => {
        if (t === null) return null;
        const operands = at.node.inputs.map((name, k) => (k === i ? t : name));
        return b.add('Einsum', operands, at.node.attributes);
      }),
    ),
  ],
  vjp: (b, at, [g], needs) => needs.map((needed, i) => (needed && g ? adjoint(b, at, g, i) : null)),
};

function adjoint(b: GraphBuilder, at: Site, g: string, operand: number): string {
  const { operands, result, lengths } = equationOf(at);
  const terms = [{ letters: result, value: g }];
  operands.forEach((letters, k) => {
    if (k !== operand) terms.push({ letters, value: at.input(k) });
  });
  // A letter that stands twice in the operand picks a diagonal: its second axis is tied to the first by a unit matrix.
  const free = unusedLetters(lengths);
  let target = '';
  for (const letter of operands[operand]) {
    if (!target.includes(letter)) {
      target += letter;
      continue;
    }
    const twin = free.shift()!;
    terms.push({ letters: letter + twin, value: unitMatrix(b, lengths.get(letter)!) });
    target += twin;
  }
  // Axes that only this operand has were summed over: the cotangent is the same all along them.
  for (const letter of new Set(target)) {
    if (terms.some(t => t.letters.includes(letter))) continue;
    const length = lengths.get(letter)!;
    terms.push({
      letters: letter,
      value: b.constant(float32Tensor([length], Array<number>(length).fill(1)), 'ones'),
    });
  }
  const whole = b.add(
    'Einsum',
    terms.map(t => t.value),
    { equation: { string: `${terms.map(t => t.letters).join(',')}->${target}` } },
  );
  const full = [...operands[operand]].map(letter => lengths.get(letter)!);
  return unbroadcast(b, whole, full, at.shape(operand));
}

function unitMatrix(b: GraphBuilder, n: number): string {
  const data = new Float32Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = 1;
  return b.constant(float32Tensor([n, n], data), `unitMatrix_${n}`);
}

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

const unusedLetters = (used: { has: (letter: string) => boolean }): string[] =>
  [...alphabet].filter(letter => !used.has(letter));

function equationOf(at: Site): Equation {
  const written = stringAttribute(at.node, 'equation', '').replace(/\s/g, '');
  const [left, right] = written.split('->') as [string, string | undefined];
  const terms = left.split(',');
  const named = new Set(written.replace(/[^a-zA-Z]/g, ''));
  // Axes under an ellipsis are counted from the last one, as broadcasting counts them.
  const hidden = terms.map((t, i) =>
    t.includes('...') ? at.shape(i).length - t.replace('...', '').length : 0,
  );
  const free = unusedLetters(named);
  const ellipsis = free.slice(0, Math.max(...hidden)).join('');
  const spell = (term: string, count: number): string =>
    term.replace('...', ellipsis.slice(ellipsis.length - count));
  const operands = terms.map((t, i) => spell(t, hidden[i]));
  const all = operands.join('');
  const once = [...named].filter(l => all.indexOf(l) === all.lastIndexOf(l)).sort();
  const result = right === undefined ? ellipsis + once.join('') : spell(right, ellipsis.length);
  const lengths = new Map<string, number>();
  operands.forEach((letters, i) => {
    [...letters].forEach((letter, axis) => {
      lengths.set(letter, Math.max(lengths.get(letter) ?? 1, at.shape(i)[axis]));
    });
  });
  return { operands, result, lengths };
}
