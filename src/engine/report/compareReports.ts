import type { Estimate, LayerReport, Report } from './schema';

export interface LayerComparison {
  readonly name: string;
  /** Traces of the matrix that decides the bits. */
  readonly a: Pick<Estimate, 'estimate' | 'stderr'>;
  readonly b: Pick<Estimate, 'estimate' | 'stderr'>;
  readonly difference: number;
  /** The difference in standard errors of both; null where neither has one. */
  readonly z: number | null;
  /** Places by average trace, the most sensitive layer first. */
  readonly rank: { readonly a: number; readonly b: number };
  readonly bits: { readonly a: number | null; readonly b: number | null };
}

/** Two reports side by side; plain numbers, so that JSON holds all of it. */
export interface ReportComparison {
  readonly format: 'curvature-comparison';
  readonly matrix: 'ggn' | 'hessian';
  readonly a: Pick<Report, 'model' | 'data' | 'loss'>;
  readonly b: Pick<Report, 'model' | 'data' | 'loss'>;
  /** In the order of the first report. */
  readonly layers: readonly LayerComparison[];
  /** Layers that one report alone has a trace for. */
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
  /** What differs beside model and data, and makes the numbers harder to compare. */
  readonly notes: readonly string[];
}

/** Compares the layers of two reports that have the same names. */
export function compareReports(a: Report, b: Report): ReportComparison {
  const matrix = a.layers.some(l => l.trace[b.settings.sensitivityMatrix])
    ? b.settings.sensitivityMatrix
    : a.settings.sensitivityMatrix;
  const measured = ({ layers }: Report): Map<string, LayerReport> =>
    new Map(layers.filter(l => l.trace[matrix]).map(l => [l.name, l]));
  const [inA, inB] = [measured(a), measured(b)];
  const shared = [...inA.keys()].filter(name => inB.has(name));
  const [ranksA, ranksB] = [inA, inB].map(layers => ranksOf(shared.map(n => layers.get(n)!)));
  return {
    format: 'curvature-comparison',
    matrix,
    a: partOf(a),
    b: partOf(b),
    layers: shared.map((name, i) => {
      const [x, y] = [inA.get(name)!, inB.get(name)!];
      const [from, to] = [x.trace[matrix]!, y.trace[matrix]!];
      const difference = to.estimate - from.estimate;
      const stderr = Math.hypot(from.stderr, to.stderr);
      return {
        name,
        a: { estimate: from.estimate, stderr: from.stderr },
        b: { estimate: to.estimate, stderr: to.stderr },
        difference,
        z: stderr === 0 ? null : difference / stderr,
        rank: { a: ranksA[i], b: ranksB[i] },
        bits: { a: x.bits, b: y.bits },
      };
    }),
    onlyInA: [...inA.keys()].filter(name => !inB.has(name)),
    onlyInB: [...inB.keys()].filter(name => !inA.has(name)),
    notes: notesOf(a, b),
  };
}

const partOf = ({ model, data, loss }: Report): Pick<Report, 'model' | 'data' | 'loss'> => ({
  model,
  data,
  loss,
});

function ranksOf(layers: readonly LayerReport[]): number[] {
  const average = layers.map(l => l.averageTrace ?? 0);
  const falling = [...average].sort((x, y) => y - x);
  return average.map(x => falling.indexOf(x) + 1);
}

function notesOf(a: Report, b: Report): string[] {
  const settings = (['loss', 'sensitivityMatrix'] as const)
    .filter(key => a.settings[key] !== b.settings[key])
    .map(key => `The reports differ in ${key}: ${a.settings[key]} and ${b.settings[key]}.`);
  const widths = [a, b].map(r => r.settings.bits.join(', '));
  return [
    ...settings,
    ...(widths[0] === widths[1]
      ? []
      : [`The reports choose from different bit widths: ${widths[0]} and ${widths[1]}.`]),
    ...(a.budget?.requested === b.budget?.requested
      ? []
      : [`The budgets differ: ${a.budget?.requested ?? 'none'} and ${b.budget?.requested ?? 'none'}.`]),
    ...[a, b].flatMap((r, i) =>
      r.complete ? [] : [`Report ${'AB'[i]} is of a run that stopped before it was through.`],
    ),
  ];
}
