import { productMacs } from '../curvature/macs';
import type { Graph } from '../graph/graph';
import { type CalibrationMethod, calibrationMethods } from '../quantization/calibrate';
import type { ActivationReport } from '../report/schema';
import { omega } from '../sensitivity/omega';
import type { MeasuredActivation } from './activations';
import type { SetUp } from './setUp';

/** What reports say of the activations. @param matrix that decides their bits, where it reaches them */
export function activationReports(
  measured: readonly MeasuredActivation[],
  graph: Graph,
  { problem, products }: SetUp,
  matrix: 'ggn' | 'hessian',
): ActivationReport[] {
  return measured.map(({ activation, elements, ranges, error, reason, trace }) => {
    const deciding = trace[matrix] ?? trace.ggn;
    const omegas = deciding
      ? Object.entries(error).map(([b, e]) => [b, omega(deciding, elements, e)] as const)
      : [];
    return {
      name: activation.name,
      nodes: [...activation.nodes],
      layers: [...activation.layers],
      shape: [...activation.shape],
      elements,
      ranges: Object.fromEntries(
        calibrationMethods.map(m => [m, { min: ranges[m].low, max: ranges[m].high }]),
      ) as Record<CalibrationMethod, { min: number; max: number }>,
      ...(reason === undefined ? {} : { reason }),
      ...(trace.ggn ? { trace: trace.ggn } : {}),
      ...(trace.hessian ? { hessianTrace: trace.hessian } : {}),
      averageTrace: deciding ? deciding.estimate / elements : null,
      quantizationError: error,
      sensitivity: Object.fromEntries(omegas.map(([b, o]) => [b, o.value])),
      sensitivityStderr: Object.fromEntries(omegas.map(([b, o]) => [b, o.stderr])),
      ...bopsOf(activation.name, Object.keys(error)),
    };
  });

  /** Of the products that the value is the first operand of; both have one width. */
  function bopsOf(name: string, bits: readonly string[]): Pick<ActivationReport, 'costs'> {
    const macs = products
      .filter(p => p.operands[0] === name)
      .map(p => productMacs(p.node, graph, problem.prepared, problem.batch));
    const total = macs.reduce<number>((sum, m) => sum + (m ?? NaN), 0);
    if (Number.isNaN(total)) return {};
    return { costs: { bops: Object.fromEntries(bits.map(b => [b, total * Number(b) ** 2])) } };
  }
}
