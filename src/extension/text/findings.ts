import type { Coverage } from '../../engine/report/coverage';
import { doubtOf, doubtText } from '../../engine/report/doubt';
import type { Diagnostic, LayerReport, Report } from '../../engine/report/schema';
import { formatPercent, visible } from './format';

/** What Problems shows: a remark on a layer, a node, or the model as a whole. */
export interface Finding {
  readonly severity: Diagnostic['severity'];
  readonly code: string;
  readonly message: string;
  readonly layer?: string;
  readonly node?: string;
}

export function findings(report: Report): Finding[] {
  const told = report.diagnostics.map(toFinding);
  const toldLayers = new Set(told.map(finding => finding.layer));
  return [
    ...coupledLayers(report),
    ...sensitiveLayers(report),
    ...untrustedWidths(report),
    ...told,
    ...notReached(report).filter(({ layer }) => !toldLayers.has(layer)),
  ];
}

/** What is known before any analysis: operators without derivatives, and layers that can't be measured. */
export const coverageFindings = (coverage: Coverage): Finding[] => coverage.diagnostics.map(toFinding);

/** What keeps a model from being analysed at all. */
export const refusal = (message: string): Finding => ({
  severity: 'warning',
  code: 'not-analysable',
  message: `This model can't be analyzed: ${visible(message)}`,
});

/**
 * The layers worth a warning. Let m be the width that most weights get. Of the layers that are to keep more than m
 * bits, the fewest that carry at least half of what those layers would cost at m, most sensitive first. Where every
 * layer gets the same width there is nothing to warn of. The share named is that of all layers' ΣΩ at m.
 */
export function sensitiveLayers(report: Report): Finding[] {
  const rated = report.layers.filter(layer => layer.status === 'analysed' && layer.bits !== null);
  const usual = usualWidth(rated);
  if (usual === undefined) return [];
  const cost = (layer: LayerReport): number => Math.max(layer.sensitivity[usual] ?? 0, 0);
  const total = sum(rated.map(cost));
  const raised = rated
    .filter(layer => layer.bits! > usual && cost(layer) > 0)
    .sort((a, b) => cost(b) - cost(a));
  const half = sum(raised.map(cost)) / 2;
  let carried = 0;
  const chosen = raised.filter(layer => {
    const needed = carried < half;
    carried += cost(layer);
    return needed;
  });
  return chosen.map(layer => ({
    severity: 'warning',
    code: 'sensitive-layer',
    layer: layer.name,
    message: `${visible(layer.name)}: ${usual} bits here would cost ${formatPercent(cost(layer) / total)} of the predicted loss increase; keep ${layer.bits}.`,
  }));
}

/** The width that most weights get; the smaller one where two are equally common. */
function usualWidth(layers: readonly LayerReport[]): number | undefined {
  const weights = new Map<number, number>();
  for (const { bits, parameters } of layers) weights.set(bits!, (weights.get(bits!) ?? 0) + parameters);
  const [first] = [...weights].sort(([a, m], [b, n]) => n - m || a - b);
  return first?.[0];
}

/** Suggested widths whose sensitivity rests on a model that does not hold there. */
const untrustedWidths = (report: Report): Finding[] =>
  report.layers.flatMap(({ name, bits }) => {
    const step = bits === null ? undefined : doubtOf(report, name, bits);
    if (!step) return [];
    return [
      {
        severity: 'info',
        code: 'untrusted-width',
        layer: name,
        message: `${visible(name)}: at the suggested ${bits} bits ${doubtText(step)}; its sensitivity is not to be trusted.`,
      },
    ];
  });

/** Sums over layers, and with them the suggestion, where the layers can't be taken one by one. */
function coupledLayers({ studies }: Report): Finding[] {
  const additivity = studies?.coupling?.additivity;
  if (additivity?.verdict !== 'not-additive') return [];
  return [{ severity: 'warning', code: 'not-additive', message: visible(additivity.message) }];
}

const notReached = (report: Report): Finding[] =>
  report.layers
    .filter(layer => layer.status === 'not-reached')
    .map(layer => ({
      severity: 'info',
      code: 'not-reached',
      layer: layer.name,
      message: `${visible(layer.name)} has no curvature estimate: ${visible(layer.reason ?? 'the loss does not depend on it')}`,
    }));

const toFinding = ({ severity, code, message, node, layer }: Diagnostic): Finding => ({
  severity,
  code,
  message: visible(message),
  ...(node === undefined ? {} : { node }),
  ...(layer === undefined ? {} : { layer }),
});

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
