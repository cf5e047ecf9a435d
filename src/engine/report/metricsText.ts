import { formatEstimate, formatNumber } from './format';
import { type MetricName, metricNames, type Metrics, metricTitles, type MetricValue } from './metrics';
import type { Report } from './schema';
import { alignColumns } from './table';

/** The metrics of a report side by side, and how they rank the layers; nothing where none were measured. */
export function metricsLines({ layers, metrics, settings }: Report): string[] {
  const present = metricNames.filter(name => layers.some(layer => layer.metrics?.[name]));
  if (!metrics || present.length === 0) return [];
  const rows = layers.flatMap(({ name, metrics: found }) =>
    found === undefined
      ? []
      : settings.bits.map(bits => [
          name,
          String(bits),
          ...present.map(metric => valueText(found[metric]?.[String(bits)])),
        ]),
  );
  const titles = present.map(name => (name === 'sqnr' ? `${metricTitles[name]} dB` : metricTitles[name]));
  const header = ['layer', 'bits', ...titles];
  return [
    'Metrics of each layer alone:',
    ...alignColumns([header, ...rows], column => column === 0),
    '',
    ...uniformLines(metrics),
    '',
    ...correlationLines(metrics, present),
  ];
}

const valueText = (found: MetricValue | undefined): string =>
  found === undefined
    ? '–'
    : formatEstimate({ estimate: found.value, stderr: found.stderr ?? 0, exact: found.stderr === undefined });

function uniformLines({ uniform }: Metrics): string[] {
  if (uniform.length === 0) return [];
  const rows = uniform.map(({ bits, expansion, deltaLoss, divergence }) => [
    String(bits),
    ...(expansion
      ? [expansion.linear, expansion.quadratic, expansion.interactions].map(x => formatNumber(x))
      : ['–', '–', '–']),
    valueText(deltaLoss),
    valueText(divergence),
  ]);
  const header = ['bits', 'gᵀδ', '½δᵀHδ', 'between layers', 'ΔL', 'divergence'];
  return ['All layers together:', ...alignColumns([header, ...rows], () => false)];
}

/** Spearman's ρ between each two metrics: over all layers and widths, and in brackets among layers of equal width. */
function correlationLines({ correlations }: Metrics, present: readonly MetricName[]): string[] {
  if (correlations.length === 0) return [];
  const of = (a: MetricName, b: MetricName): string => {
    const found = correlations.find(
      ({ first, second }) => (first === a && second === b) || (first === b && second === a),
    );
    return found ? `${rhoText(found.all)} (${rhoText(found.acrossLayers)})` : '';
  };
  const rows = present.map(a => [metricTitles[a], ...present.map(b => of(a, b))]);
  return [
    'Rank correlations (Spearman) over all layers and widths, and among layers of equal width (in brackets):',
    ...alignColumns([['', ...present.map(name => metricTitles[name])], ...rows], column => column === 0),
  ];
}

export const rhoText = (rho: number | null): string => (rho === null ? '–' : rho.toFixed(2));
