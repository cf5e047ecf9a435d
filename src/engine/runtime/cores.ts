import { existsSync, readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

const folder = '/sys/devices/system/cpu';

/**
 * Physical cores that this process may use, as Linux tells them; 0 on other systems, which leaves the choice to ONNX Runtime. Its own
 * count on Linux takes half of the logical processors for cores wherever it doesn't know the processor, as on many virtual machines:
 * there all work fell to one thread of two.
 */
export function physicalCores(): number {
  if (!existsSync(folder)) return 0;
  const siblings = readdirSync(folder)
    .filter(name => /^cpu\d+$/.test(name))
    .map(name => `${folder}/${name}/topology/thread_siblings_list`)
    // A processor that is switched off has none.
    .filter(file => existsSync(file))
    .map(file => readFileSync(file, 'utf8'));
  return Math.min(new Set(siblings).size, os.availableParallelism());
}

/**
 * Threads of a session, 0 to leave it to ONNX Runtime: a physical core each, but no more than the variable `CURVATURE_THREADS` says. They wait for
 * work by spinning, which costs whoever shares their cores.
 */
export function sessionThreads(): number {
  const most = Number(process.env.CURVATURE_THREADS);
  const cores = physicalCores();
  return most >= 1 ? Math.min(cores || most, most) : cores;
}
