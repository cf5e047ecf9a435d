import { type Measured, type Ratio, ratioOf } from '../util/ratio';
import type { LayerReport, Report } from './schema';

/** Differences of more standard errors than that are told. */
export const NOTABLE = 3;
/** Exact traces differ where they do so by more than this share: ten times the noise of float32 in products. */
const ROUNDING = 1e-5;

export interface LayerComparison {
  readonly name: string;
  /** Traces of the matrix that decides the bits. */
  readonly a: Measured;
  readonly b: Measured;
  readonly difference: number;
  /** The difference in standard errors of both; null where neither has one. */
  readonly z: number | null;
  /** Whether it lies beyond the errors, or beyond rounding where both are exact. */
  readonly differs: boolean;
  /** B by A with a 95 % interval; null where A is not above 0 beyond its error. */
  readonly ratio: Ratio | null;
  /** Places by average trace, the most sensitive layer first. */
  readonly rank: { readonly a: number; readonly b: number };
  readonly bits: { readonly a: number | null; readonly b: number | null };
}

/** What is told of one report as a whole. */
export interface ReportSide extends Pick<Report, 'model' | 'data' | 'loss' | 'samples'> {
  /** Sum of the traces of the layers that both have; errors of layers may be correlated, and that of the sum is at most theirs. */
  readonly trace: { readonly estimate: number; readonly stderrAtMost: number };
  /** What the suggested bits take, and ΣΩ; null where none are suggested. */
  readonly suggestion: NonNullable<Report['budget']>['chosen'] | null;
}

/** Two reports side by side; plain numbers, so that JSON holds all of it. */
export interface ReportComparison {
  readonly format: 'curvature-comparison';
  readonly matrix: 'ggn' | 'hessian';
  readonly a: ReportSide;
  readonly b: ReportSide;
  readonly isOneModel: boolean;
  readonly isOneDataSet: boolean;
  /** What is compared, as a sentence. */
  readonly subject: string;
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
  const layers = shared.map((name, i) => {
    const [x, y] = [inA.get(name)!, inB.get(name)!];
    return {
      name,
      ...differenceOf(x.trace[matrix]!, y.trace[matrix]!),
      rank: { a: ranksA[i], b: ranksB[i] },
      bits: { a: x.bits, b: y.bits },
    };
  });
  return {
    format: 'curvature-comparison',
    matrix,
    a: sideOf(
      a,
      layers.map(l => l.a),
    ),
    b: sideOf(
      b,
      layers.map(l => l.b),
    ),
    isOneModel: isOneModel(a, b),
    isOneDataSet: isOneDataSet(a, b),
    subject: subjectOf(a, b),
    layers,
    onlyInA: [...inA.keys()].filter(name => !inB.has(name)),
    onlyInB: [...inB.keys()].filter(name => !inA.has(name)),
    notes: notesOf(a, b),
  };
}

function differenceOf(
  from: Measured,
  to: Measured,
): Pick<LayerComparison, 'a' | 'b' | 'difference' | 'z' | 'differs' | 'ratio'> {
  const [a, b] = [from, to].map(({ estimate, stderr }) => ({ estimate, stderr }));
  const difference = b.estimate - a.estimate;
  const stderr = Math.hypot(a.stderr, b.stderr);
  const rounding = ROUNDING * Math.max(Math.abs(a.estimate), Math.abs(b.estimate));
  return {
    ...{ a, b, difference, z: stderr === 0 ? null : difference / stderr },
    differs: Math.abs(difference) > Math.max(NOTABLE * stderr, rounding),
    ratio: ratioOf(b, a),
  };
}

function sideOf({ model, data, loss, samples, budget }: Report, traces: readonly Measured[]): ReportSide {
  const sum = (values: number[]): number => values.reduce((x, y) => x + y, 0);
  const trace = {
    estimate: sum(traces.map(t => t.estimate)),
    stderrAtMost: sum(traces.map(t => t.stderr)),
  };
  return { ...{ model, data, loss, samples, trace }, suggestion: budget?.chosen ?? null };
}

function ranksOf(layers: readonly LayerReport[]): number[] {
  const average = layers.map(l => l.averageTrace ?? 0);
  const falling = [...average].sort((x, y) => y - x);
  return average.map(x => falling.indexOf(x) + 1);
}

/** Random inputs are the same where they are drawn for the same inputs from one seed. */
const dataKey = ({ data, settings }: Report): string =>
  data.source === 'file' ? String(data.sha256) : JSON.stringify([data.arrays, settings.seed]);

const isOneModel = (a: Report, b: Report): boolean => a.model.sha256 === b.model.sha256;
const isOneDataSet = (a: Report, b: Report): boolean => dataKey(a) === dataKey(b);

const baseName = (file: string): string => file.split(/[\\/]/).at(-1) ?? file;
const dataName = ({ data }: Pick<Report, 'data'>): string => baseName(data.file ?? 'random inputs');

function subjectOf(a: Report, b: Report): string {
  const [models, data] = [
    [a, b].map(r => baseName(r.model.file)).join(' and '),
    [a, b].map(dataName).join(' and '),
  ];
  if (isOneDataSet(a, b))
    return isOneModel(a, b)
      ? `One model on one set of data, measured twice: ${baseName(a.model.file)} on ${dataName(a)}.`
      : `Two models on one set of data: ${models}, on ${dataName(a)}.`;
  return isOneModel(a, b)
    ? `One model on two sets of data: ${baseName(a.model.file)}, on ${data}.`
    : `Two models on two sets of data: ${models}, on ${data}. What differs may come from either.`;
}

function notesOf(a: Report, b: Report): string[] {
  const differ = (what: string, of: (report: Report) => string | number | undefined): string[] => {
    const [inA, inB] = [a, b].map(report => String(of(report) ?? 'none'));
    return inA === inB ? [] : [`${what}: ${inA} and ${inB}.`];
  };
  return [
    ...differ('The reports differ in loss', r => r.settings.loss),
    ...differ('The reports differ in sensitivityMatrix', r => r.settings.sensitivityMatrix),
    ...differ('The numbers of samples differ', r => r.samples),
    ...differ('The reports choose from different bit widths', r => r.settings.bits.join(', ')),
    ...differ('The budgets differ', r => r.budget?.requested),
    ...[a, b].flatMap((r, i) =>
      r.complete ? [] : [`Report ${'AB'[i]} is of a run that stopped before it was through.`],
    ),
  ];
}
