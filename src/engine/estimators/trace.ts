import { type LinearOperator } from '../curvature/linearOperator';
import { cancelled } from '../errors';
import { columnBytes } from './basis';
import { hutchinsonTrace } from './hutchinson';
import { hutchPlusPlus } from './hutchPlusPlus';
import { once } from './keeper';
import { type TraceProgress } from './result';
import { operatorProgress, type OperatorTraceOptions, requireFinite } from './traceOptions';
import { xTrace } from './xTrace';

export const traceMethods = ['exact', 'xtrace', 'hutch++', 'hutchinson'] as const;
export type TraceMethod = (typeof traceMethods)[number];

/** What each method keeps beside the operator for so many products with it. */
export function traceBytes(method: TraceMethod, size: number, products: number): number {
  const columns = { exact: 0, xtrace: products, 'hutch++': products / 3, hutchinson: 0 }[method];
  return columnBytes(size, Math.min(columns, size)) + 2 * 8 * size;
}

/** Fewer products than that leave XTrace and Hutch++ without an error to speak of. */
const FEW = 12;

/**
 * The method with the smallest error for its products whose columns fit into so many bytes: all directions where they are
 * no more than the products allowed, else XTrace, Hutch++, and Hutchinson, which keeps nothing.
 */
export function chooseTraceMethod(size: number, maxProducts: number, bytes: number): TraceMethod {
  if (size <= maxProducts) return 'exact';
  if (maxProducts < FEW) return 'hutchinson';
  const fitting = (['xtrace', 'hutch++'] as const).find(m => traceBytes(m, size, maxProducts) <= bytes);
  return fitting ?? 'hutchinson';
}

/** Hutchinson's probes before their error may end the search. */
const FEWEST_PROBES = 24;

/** The operator's trace by the method named. The cap on products does not hold for `exact`, which takes as many as there are rows. */
export function estimateTrace(
  method: TraceMethod,
  operator: LinearOperator,
  options: OperatorTraceOptions,
): AsyncGenerator<TraceProgress, void, void> {
  // These two need the products themselves, and the others a number of each.
  const through = (): LinearOperator => options.keeper?.through('trace', operator) ?? operator;
  switch (method) {
    case 'exact':
      return exactTrace(operator, options);
    case 'xtrace':
      return xTrace(through(), options);
    case 'hutch++':
      return hutchPlusPlus(through(), options);
    case 'hutchinson':
      return hutchinsonTrace(operator, {
        ...options,
        minProbes: FEWEST_PROBES,
        maxProbes: options.maxProducts,
      });
  }
}

/** Sums the diagonal. */
async function* exactTrace(
  operator: LinearOperator,
  options: OperatorTraceOptions,
): AsyncGenerator<TraceProgress, void, void> {
  const { size } = operator;
  const unit = new Float64Array(size);
  let estimate = 0;
  for (let i = 0; i < size; i++) {
    if (options.signal?.aborted) throw cancelled();
    estimate += await once(options.keeper, `diagonal ${i}`, async () => {
      unit[i] = 1;
      const element = requireFinite((await operator.apply(unit))[i], i + 1);
      unit[i] = 0;
      return element;
    });
    const found = i + 1 === size ? { estimate, stderr: 0, samples: size } : undefined;
    yield operatorProgress(i + 1, { ...options, maxProducts: size }, found, true);
  }
}
