import { type AllocationProblem } from '../allocation/problem';
import type { FrontierPoint, LayerReport } from '../report/schema';

/** The width that stands for a layer left as it is. */
export const FLOAT32 = 32;

export const hasSensitivity = ({ sensitivity }: LayerReport): boolean => Object.keys(sensitivity).length > 0;

/** The layers of a report that have a sensitivity, with their size as the first cost, and the other costs that all of them have. */
export function problemOf(layers: readonly LayerReport[]): AllocationProblem {
  const takingPart = layers.filter(hasSensitivity);
  const others = Object.keys(takingPart[0]?.costs ?? {}).filter(name =>
    takingPart.every(({ sensitivity, costs }) =>
      Object.keys(sensitivity).every(bits => costs?.[name]?.[bits] !== undefined),
    ),
  );
  return {
    layers: takingPart.map(layer => ({
      name: layer.name,
      parameters: layer.parameters,
      ...(layer.averageTrace === null ? {} : { averageTrace: layer.averageTrace }),
      choices: Object.entries(layer.sensitivity).map(([bits, sensitivity]) => ({
        bits: Number(bits),
        sensitivity,
        stderr: layer.sensitivityStderr[bits] ?? 0,
        costs: {
          bytes: layer.sizeBytes[bits],
          ...Object.fromEntries(others.map(name => [name, layer.costs![name][bits]])),
        },
      })),
    })),
    ties: [],
    pins: {},
  };
}

/** With float32 among the choices of each layer: nothing is lost, at 4 bytes a weight. Costs other than the size go, since nobody knows them there. */
export const withFloat32 = (problem: AllocationProblem): AllocationProblem => ({
  ...problem,
  layers: problem.layers.map(layer => ({
    ...layer,
    choices: [
      ...layer.choices.map(choice => ({ ...choice, costs: { bytes: choice.costs.bytes } })),
      { bits: FLOAT32, sensitivity: 0, stderr: 0, costs: { bytes: 4 * (layer.parameters ?? NaN) } },
    ],
  })),
});

/** What layers take together at their bits; those without bits take no part. */
export function amountsOf(layers: readonly LayerReport[]): Omit<FrontierPoint, 'bits'> {
  const taking = layers.filter(({ bits }) => bits !== null);
  const total = (of: (layer: LayerReport) => number): number =>
    taking.reduce((sum, layer) => sum + of(layer), 0);
  const at = (table: Readonly<Record<string, number>>, { bits }: LayerReport): number =>
    table[String(bits)] ?? 0;
  const bytes = total(layer => at(layer.sizeBytes, layer));
  return {
    bytes,
    effectiveBits: (8 * bytes) / total(layer => layer.parameters),
    sensitivity: total(layer => at(layer.sensitivity, layer)),
  };
}
