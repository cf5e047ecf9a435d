import { qualified } from './format';
import type { Coverage, CoveredParameters, LayerCoverage } from './coverage';
import type { Diagnostic } from './schema';
import { alignColumns } from './table';

/** Layers that are named for one reason; of more, the number is told. */
const NAMED = 5;

/** One model's coverage for a terminal: a line in all, the table of operators, and why layers are not measured exactly. */
export function coverageToText(coverage: Coverage): string {
  const { model, operators, layers, parameters, diagnostics, error } = coverage;
  if (error !== undefined) return `${model}: ${error}\n`;
  const measured = layers.filter(l => l.method !== 'none' && l.method !== 'aside').length;
  const rows = operators.map(o => [qualified(o), String(o.count), o.support]);
  return [
    `${model}: ${measured} of ${layers.length} layers measured; ${sharesText(parameters)}.`,
    ...alignColumns([['operator', 'nodes', 'derivatives'], ...rows], column => column !== 1).map(indent),
    ...reasons(layers).map(indent),
    ...diagnostics.filter(isOfModel).map(d => indent(`warning: ${d.message}`)),
    '',
  ].join('\n');
}

/** Whether a warning is of the model as a whole: what nodes lack is among the reasons of the layers. */
const isOfModel = ({ severity, node, layer }: Diagnostic): boolean =>
  severity === 'warning' && node === undefined && layer === undefined;

/** The line below all models. */
export function totalsText(coverages: readonly Coverage[]): string {
  const sum = (key: keyof CoveredParameters): number =>
    coverages.reduce((total, c) => total + c.parameters[key], 0);
  const failed = coverages.filter(c => c.error !== undefined).length;
  const parameters = {
    ...{ total: sum('total'), exact: sum('exact'), ggn: sum('ggn') },
    ...{ differences: sum('differences'), none: sum('none'), aside: sum('aside') },
  };
  const models = `${coverages.length} ${coverages.length === 1 ? 'model' : 'models'}`;
  const complete = coverages.filter(c => c.complete).length;
  return `${models}: ${complete} complete${failed > 0 ? `, ${failed} failed` : ''}; ${sharesText(parameters)}.\n`;
}

/** `98 % of 1234 weights exact, 2 % by differences` */
function sharesText(parameters: CoveredParameters): string {
  const { total } = parameters;
  if (total === 0) return 'no weights';
  const others = (['ggn', 'differences', 'none', 'aside'] as const).filter(key => parameters[key] > 0);
  return [
    `${share(parameters.exact, total)} of ${total} weights exact`,
    ...others.map(key => `${share(parameters[key], total)} ${words[key]}`),
  ].join(', ');
}

const words = {
  ...{ ggn: 'by first derivatives', differences: 'by differences' },
  ...{ none: 'not at all', aside: 'in branches that are not taken' },
} as const;

/** Never 100 % of what is not whole. */
const share = (part: number, total: number): string =>
  part === total ? '100 %' : `${Number(Math.min((100 * part) / total, 99.99).toPrecision(4))} %`;

function reasons(layers: readonly LayerCoverage[]): string[] {
  const groups = new Map<string, LayerCoverage[]>();
  for (const layer of layers.filter(l => l.method !== 'exact')) {
    const key = `${layer.method} ${layer.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), layer]);
  }
  return [...groups.values()].map(group => {
    const [{ method, reason = '' }] = group;
    const named = group.slice(0, NAMED).map(l => l.name);
    const more = group.length - named.length;
    const how = method === 'exact' ? '' : method === 'none' ? 'not measured' : words[method];
    return `${how}: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}. ${reason}`.trimEnd();
  });
}

const indent = (line: string): string => `  ${line}`;
