/**
 * Seeded random numbers: xoshiro128** (Blackman & Vigna, "Scrambled Linear Pseudorandom Number Generators",
 * 2021).
 *
 * A stream is named by a seed and labels, so the draws of probe k are the same whether or not the probes
 * before it ran, and whatever else was drawn in between.
 */
export class Rng {
  private readonly state = new Uint32Array(4);
  private spare: number | undefined;

  /** @param labels name the stream, such as `Rng.of(seed, 'hutchinson', probe)`. */
  static of(seed: number, ...labels: readonly (number | string)[]): Rng {
    return new Rng(labels.reduce<number[]>((words, label) => [...words, ...wordsOf(label)], wordsOf(seed)));
  }

  private constructor(words: readonly number[]) {
    for (let i = 0; i < 4; i++) {
      let hash = Math.imul(i + 1, 0x9e3779b9) >>> 0;
      for (const word of words) hash = mix(hash ^ mix((word + 0x9e3779b9) >>> 0), hash);
      this.state[i] = hash;
    }
    // The all-zero state is the one xoshiro never leaves.
    if (this.state.every(word => word === 0)) this.state[0] = 1;
  }

  /** 32 random bits, as an unsigned integer. */
  bits(): number {
    const s = this.state;
    const scrambled = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotateLeft(s[3], 11);
    return scrambled;
  }

  /** Uniform in [0, 1), with 53 bits. */
  uniform(): number {
    return ((this.bits() >>> 5) * 0x4000000 + (this.bits() >>> 6)) / 0x20000000000000;
  }

  /** A uniform integer in [0, limit), for 1 ≤ limit ≤ 2³². */
  below(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** Standard normal, by the polar method. */
  normal(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.spare = y * factor;
      return x * factor;
    }
  }

  /** `n` independent signs, +1 or −1; every bit of a draw is used. */
  rademacher(n: number): Float32Array<ArrayBuffer> {
    const signs = new Float32Array(n);
    for (let start = 0; start < n; start += 32) {
      let word = this.bits();
      const end = Math.min(start + 32, n);
      for (let i = start; i < end; i++, word >>>= 1) signs[i] = (word & 1) * 2 - 1;
    }
    return signs;
  }

  normals(n: number): Float32Array<ArrayBuffer> {
    return this.fillNormal(new Float32Array(n));
  }

  /** Fills x with independent standard normals. */
  fillNormal<T extends Float32Array | Float64Array>(x: T): T {
    for (let i = 0; i < x.length; i++) x[i] = this.normal();
    return x;
  }
}

const rotateLeft = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** The finaliser of MurmurHash3, over the sum of both words. */
function mix(a: number, b = 0): number {
  let h = (a + Math.imul(b, 0x85ebca6b)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The words that stand for a label; a number and a string of the same digits differ. */
function wordsOf(label: number | string): number[] {
  if (typeof label === 'number') return [0, label >>> 0, Math.floor(label / 0x100000000) >>> 0];
  return [label.length + 1, ...Array.from(label, character => character.codePointAt(0) ?? 0)];
}
