import type { AllocatableLayer, AllocationProblem } from '../allocation/problem';
import { activationName } from '../report/activationName';
import type { ActivationReport } from '../report/schema';
import { isMeasured } from './bops';

/**
 * The problem with a report's activations as further layers, `activation:NAME`. They take no bytes, and no time:
 * layers are timed with activations in floats.
 *
 * Bit operations are products of two widths, and costs add up over layers. So where they are limited, an activation and the
 * weights it is multiplied by take one width, as in HAWQ-V3, whose kernels have pairs of one width; so do the operands of a
 * product of two values. Elsewhere each has its own width, and nobody can tell the bit operations.
 * @param isOnBops whether a budget limits the bit operations
 */
export function withActivations(
  problem: AllocationProblem,
  activations: readonly ActivationReport[],
  isOnBops: boolean,
): AllocationProblem {
  const measured = activations.filter(isMeasured);
  if (measured.length === 0) return problem;
  const names = Object.keys(problem.layers[0]?.choices[0]?.costs ?? {});
  const hasBops = names.includes('bops') && measured.every(a => a.costs?.bops !== undefined);
  const kept = names.filter(name => name !== 'bops' || (hasBops && isOnBops));
  const layers = problem.layers.map(layer => ({
    ...layer,
    choices: layer.choices.map(choice => ({
      ...choice,
      costs: Object.fromEntries(kept.map(name => [name, choice.costs[name]])),
    })),
  }));
  const known = new Set(layers.map(l => l.name));
  return {
    ...problem,
    layers: [...layers, ...measured.map(a => asLayer(a, kept))],
    ties: isOnBops ? [...problem.ties, ...measured.flatMap(a => tiesOf(a, measured, known))] : problem.ties,
  };
}

const asLayer = (activation: ActivationReport, costs: readonly string[]): AllocatableLayer => ({
  name: activationName(activation.name),
  parameters: 0,
  ...(activation.averageTrace === null ? {} : { averageTrace: activation.averageTrace }),
  choices: Object.entries(activation.sensitivity).map(([bits, sensitivity]) => ({
    bits: Number(bits),
    sensitivity,
    stderr: activation.sensitivityStderr[bits] ?? 0,
    costs: Object.fromEntries(costs.map(name => [name, name === 'bops' ? activation.costs![name][bits] : 0])),
  })),
});

/** With the layers that read it, and with the values that share a node with it. */
function tiesOf(
  activation: ActivationReport,
  all: readonly ActivationReport[],
  layers: ReadonlySet<string>,
): string[][] {
  const partners = all.filter(
    other => other !== activation && other.nodes.some(node => activation.nodes.includes(node)),
  );
  const others = [
    ...activation.layers.filter(name => layers.has(name)),
    ...partners.map(p => activationName(p.name)),
  ];
  return others.length > 0 ? [[activationName(activation.name), ...others]] : [];
}
