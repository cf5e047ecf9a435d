import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bench, exportModel, fixedVector, peerProblem, type PeerResult } from './peer';
import { lanczosCost } from './lanczos';
import { measure, type OurResult } from './ours';
import { scaling } from './scaling';

/**
 * npm run bench -- [NAME …]: times ours against PyTorch's double backward, model by model in turn, with equal threads;
 * `scaling` shows how building grows with the number of nodes, `lanczos` what a search on 25 million parameters takes (12 GB, minutes).
 * Ratios above 1 mean that ours is faster. Meant for an idle machine.
 */
const names = process.argv.slice(2);
const all = ['mlp', 'resnet20', 'bert', 'mobilenetv2', 'resnet18'];
const folder = path.resolve('out/bench-models');
const THREADS = Number(process.env.THREADS ?? 2);

interface Row {
  readonly ours: OurResult;
  readonly peer: PeerResult;
}

const ms = (seconds: number): string => (1000 * seconds).toFixed(1);
const ratio = (peer: number | undefined, ours: number): string =>
  peer === undefined ? '–' : `${(peer / ours).toFixed(2)}×`;

function print({ ours, peer }: Row): void {
  const lines: [string, number, number | undefined][] = [
    ['gradient', ours.gradient, peer.gradient_s],
    ['whole HVP', ours.hvp, peer.hvp_s],
    ['whole HVP, nothing kept', ours.hvpFull, peer.hvp_full_s],
    ['GGN product', ours.ggn, peer.ggn_s],
    ['layer quadratic forms, per probe', ours.formsPerProbe, peer.hvp_s],
  ];
  console.log(`\n${peer.model} (batch ${ours.batch}, ${peer.threads} threads)`);
  for (const [what, mine, theirs] of lines) {
    const other = theirs === undefined ? '–' : ms(theirs);
    console.log(
      `  ${what.padEnd(34)} ours ${ms(mine).padStart(8)} ms   PyTorch ${other.padStart(8)} ms   ${ratio(theirs, mine)}`,
    );
  }
  console.log(
    `  vᵀHv per parameter: largest difference ${ours.difference.toExponential(1)} of the norm of all`,
  );
  console.log(`  build ${ms(ours.build)} ms, sessions ${ms(ours.sessions)} ms`);
}

async function main(): Promise<void> {
  if (names.length === 0 || names.includes('scaling')) await scaling();
  if (names.includes('lanczos')) await lanczosCost();
  const models = names.length > 0 ? names.filter(name => name !== 'scaling' && name !== 'lanczos') : all;
  if (models.length > 0) await compare(models);
}

async function compare(models: readonly string[]): Promise<void> {
  const problem = peerProblem();
  if (problem !== undefined) {
    console.error(`The benchmark compares with PyTorch: ${problem}.`);
    process.exitCode = 2;
    return;
  }
  mkdirSync(folder, { recursive: true });
  const rows: Row[] = [];
  for (const name of models) {
    exportModel(folder, name);
    const peer = bench(folder, name, THREADS);
    const ours = await measure(path.join(folder, name), peer, sizes => fixedVector(folder, name, sizes));
    rows.push({ ours, peer });
    print(rows.at(-1)!);
  }
  writeFileSync('out/bench.json', JSON.stringify(rows, undefined, 1));
}

void main();
