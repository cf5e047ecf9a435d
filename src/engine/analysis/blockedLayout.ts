import type { Graph } from '../graph/graph';
import type { Diagnostic } from '../report/schema';
import { BLOCKED_DOMAIN } from '../runtime/blockedConv';

/** What to do about convolutions in blocks. */
export const unblockedHint =
  'Take the file as it was before ONNX Runtime optimized it, or have it saved at level "extended" (ORT_ENABLE_EXTENDED).';

/**
 * Tells of convolutions that ONNX Runtime's optimizer has laid out in blocks of channels, as it does at level "all". Their weights are in an order
 * that depends on the processor that the file was written on, so that they are no layers. Undefined where there are none.
 */
export function blockedConvolutions({ nodes }: Graph): string | undefined {
  const { length } = nodes.filter(n => n.domain === BLOCKED_DOMAIN && n.opType === 'Conv');
  if (length === 0) return undefined;
  const [are, their] = length === 1 ? ['convolution is', 'its'] : ['convolutions are', 'their'];
  return (
    `${length} ${are} in ONNX Runtime's blocked layout (${BLOCKED_DOMAIN}::Conv), which it saves at optimization level "all" for one kind of ` +
    `processor: ${their} weights are no layers and get no bits.`
  );
}

export function blockedDiagnostics(graph: Graph): Diagnostic[] {
  const found = blockedConvolutions(graph);
  return found === undefined
    ? []
    : [{ severity: 'warning', code: 'blocked-layout', message: `${found} ${unblockedHint}` }];
}
