import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What PyTorch took, in seconds, and its products with the fixed vector. */
export interface PeerResult {
  readonly model: string;
  readonly threads: number;
  readonly torch: string;
  readonly parameters: readonly string[];
  readonly gradient_s: number;
  readonly hvp_s: number;
  readonly hvp_full_s: number;
  readonly ggn_s?: number;
  readonly vHv_each: Readonly<Record<string, number>>;
  readonly peak_rss_mb: number;
}

/** The script of the peer; where it is not, there is nothing to compare with. */
const script = path.resolve(process.env.PEER ?? '../shared/peers/peers.py');
const python = process.env.PYTHON ?? 'python3';

/** Why the peer can't run here, if it can't. */
export function peerProblem(): string | undefined {
  if (!existsSync(script)) return `PEER names no script (${script})`;
  try {
    execFileSync(python, ['-c', 'import torch, onnx, transformers'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return `${python} has no torch, onnx and transformers; PYTHON may name one that has`;
  }
}

const run = (args: readonly string[], threads: number): string =>
  execFileSync(python, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
    maxBuffer: 1 << 26,
  });

export const exportModel = (folder: string, name: string): void =>
  void run([script, 'export', folder, name], 1);

export const bench = (folder: string, name: string, threads: number): PeerResult =>
  JSON.parse(run([script, 'bench', folder, name], threads).trim()) as PeerResult;

/**
 * The peer's fixed vector, part by part, from numpy's generator.
 * @param sizes of the parameters, by their place in the peer's list, which is the seed
 */
export function fixedVector(
  folder: string,
  name: string,
  sizes: ReadonlyMap<number, number>,
): Float32Array[] {
  const file = path.join(folder, `${name}.vector`);
  const code =
    'import sys, json, numpy as np\n' +
    'parts = [np.random.RandomState(i).choice([-1.0, 1.0], n) for i, n in json.loads(sys.argv[2])]\n' +
    'np.concatenate(parts).astype(np.float32).tofile(sys.argv[1])\n';
  run(['-c', code, file, JSON.stringify([...sizes])], 1);
  const bytes = readFileSync(file);
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  let start = 0;
  return [...sizes.values()].map(n => all.slice(start, (start += n)));
}
