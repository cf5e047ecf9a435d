import type { ActivationReport, LayerReport, Report } from '../../src/engine/report/schema';
import { smallReport, widths } from './fixtures';

const perWidth = (value: (bits: number) => number): Record<string, number> =>
  Object.fromEntries(widths.map(bits => [String(bits), value(bits)]));

/** What a layer reads: values from −2 to 6, whose trace is a fifth of the layer's own. */
function readBy({ name, nodes, trace }: LayerReport, index: number): ActivationReport {
  const elements = 4096 >> Math.floor(index / 2);
  const estimate = (trace.ggn?.estimate ?? 0) / 5;
  const averageTrace = estimate / elements;
  const quantizationError = perWidth(bits => (elements * (8 / (2 ** bits - 1)) ** 2) / 12);
  const sensitivity = perWidth(bits => averageTrace * quantizationError[bits]);
  return {
    name: `/${name.replace('.weight', '')}/input`,
    nodes,
    layers: [name],
    shape: [64, elements],
    elements,
    ranges: {
      'min-max': { min: -2.5, max: 6.5 },
      percentile: { min: -2, max: 6 },
      entropy: { min: -0.0004, max: 5 },
    },
    trace: { estimate, stderr: 0.02 * estimate, samples: 64, seed: 0, exact: false, converged: true },
    averageTrace,
    quantizationError,
    sensitivity,
    sensitivityStderr: perWidth(bits => 0.02 * sensitivity[bits]),
    costs: { bops: perWidth(() => 0) },
  };
}

/** A value whose layer no derivative reaches. */
const withoutTrace = (whole: ActivationReport): ActivationReport => ({
  ...whole,
  name: '/roi/input',
  nodes: ['/roi/NonMaxSuppression'],
  layers: [],
  reason: 'below node “/roi/NonMaxSuppression” (NonMaxSuppression), which has no derivative',
  trace: undefined,
  averageTrace: null,
  sensitivity: {},
  sensitivityStderr: {},
});

/** Each layer's input was measured, and one value more; every weight is multiplied 64 times. */
export function activationsReport(): Report {
  const whole = smallReport();
  const read = whole.layers.map(readBy);
  return {
    ...whole,
    settings: { ...whole.settings, activations: 'percentile' },
    layers: whole.layers.map(layer => ({
      ...layer,
      costs: { bops: perWidth(bits => 64 * layer.parameters * bits * bits) },
    })),
    activations: [...read, withoutTrace(read[0])],
  };
}
