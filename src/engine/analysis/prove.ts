import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Layer } from '../curvature/layers';
import { referenceLogits, type Scores, scorer } from '../curvature/scores';
import { CurvatureError } from '../errors';
import type { Tensor } from '../onnx/tensor';
import { parseBits } from '../report/bits';
import { parseReport } from '../report/json';
import { metricNames } from '../report/metrics';
import { type Proof, PROOF_VERSION, type ProofAllocation } from '../report/proof';
import type { Report } from '../report/schema';
import { agreement, type Table } from '../sensitivity/agreement';
import { measured, pairedDifference } from '../sensitivity/sampleMean';
import { spearman } from '../util/rankCorrelation';
import { predictPeakBytes } from '../runtime/memory';
import { fitBatch } from './memory';
import { costTable } from './metricTable';
import { type Model, openModel, requireLayers } from './model';
import type { ProveHooks, ProveOptions } from './options';
import { allPredicted, type Predicted, predictionsOf } from './predictions';
import { ProgressTracker } from './progress';
import { bytesAt, quantizedWeight } from './quantizedWeight';
import { type Candidate, chosenBy, drawn, uniformly } from './rivals';
import { secondsSince } from './run';
import { type SetUp } from './setUp';
import { setUp } from './setUp';
import { TOOL } from './state';
import { verdictsOf } from './verdicts';

/** Widths that every suggestion is compared with. */
const UNIFORM = [8, 4];
const FLOAT_BITS = 32;

/** What is measured, settled before anything runs. */
interface Task {
  readonly model: Model;
  readonly report: Report;
  readonly options: ProveOptions;
  readonly ready: SetUp;
  /** The layers that take part, with what the report says of them. */
  readonly layers: readonly { readonly layer: Layer; readonly predicted: Predicted }[];
  readonly reference: readonly Tensor[];
  readonly signal?: AbortSignal;
}

/**
 * Measures what the bits of a report are worth on data that its analysis has not seen: loss and accuracy beside uniform widths, widths
 * that other metrics choose at the same size, and random ones; and how well each metric foretells what one layer alone does.
 * @throws CurvatureError `option-invalid` where the data are those of the analysis, or the report is of another model
 */
export async function prove(options: ProveOptions, hooks: ProveHooks = {}): Promise<Proof> {
  const started = performance.now();
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'metrics', cost: 20 },
  ]);
  progress.begin('load', 'Reading the model and the report');
  const task = await prepareTask(options, hooks.signal);
  const { report, ready, layers } = task;
  const timings: Record<string, number> = { load: secondsSince(started) };
  const candidates = candidatesOf(task);
  progress.begin('metrics', 'Measuring the allocations');
  const { unchanged, allocations } = await measureAllocations(task, candidates);
  progress.step('metrics', 'Measuring the allocations', 0.3);
  const changes = await measureSingles(task, (label, share) =>
    progress.step('metrics', label, 0.3 + 0.7 * share),
  );
  const { bits } = report.settings;
  timings['total'] = secondsSince(started);
  const proof: Omit<Proof, 'verdicts'> = {
    format: 'curvature-proof',
    version: PROOF_VERSION,
    tool: TOOL,
    model: { file: path.basename(task.model.file), sha256: task.model.sha256 },
    analysis: { createdAt: report.createdAt, data: report.data, samples: report.samples },
    data: ready.data,
    skip: options.skip ?? 0,
    samples: ready.problem.dataset.samples,
    settings: {
      loss: ready.problem.loss.kind,
      bits,
      random: options.random,
      seed: options.seed,
      batch: ready.problem.batch,
    },
    unchanged,
    allocations,
    single: layers.flatMap(({ layer, predicted }, l) =>
      bits.map((b, w) => ({
        layer: layer.name,
        bits: b,
        predicted: Object.fromEntries(
          metricNames.flatMap(name => {
            const value = predicted[name]?.[String(b)]?.value;
            return value === undefined ? [] : [[name, value]];
          }),
        ),
        ...changes[l][w],
      })),
    ),
    resolvedBits: resolvedBits(bits, changes),
    agreement: agreementOf(task, changes, allocations),
    diagnostics: [...ready.diagnostics],
    timings,
  };
  progress.step('metrics', 'Done', 1);
  return { ...proof, verdicts: verdictsOf(proof) };
}

async function prepareTask(options: ProveOptions, signal?: AbortSignal): Promise<Task> {
  const report = parseReport(textOf(options.report, 'report-invalid'));
  const model = openModel(options.model);
  requireLayers(model);
  requireSameModel(model, report, options);
  const settings = {
    ...options,
    labels: options.labels ?? report.data.labels,
    loss: report.settings.loss,
    outputs: outputsOf(model, report),
  };
  const first = await setUp(model, settings);
  requireFreshData(first, report, options);
  const { ready } = await fitBatch(model, settings, first, ({ problem }) =>
    Promise.resolve(predictPeakBytes([problem.prepared])),
  );
  const layers = report.layers.flatMap(found => {
    const layer = model.layers.find(l => l.initializer === found.initializer);
    const takesPart =
      layer && ready.methods.has(layer.initializer) && Object.keys(found.sensitivity).length > 0;
    return takesPart ? [{ layer, predicted: predictionsOf(model, report, found, layer) }] : [];
  });
  if (layers.length === 0)
    throw new CurvatureError(
      'report-invalid',
      'No layer of the report has a sensitivity: there is nothing to prove.',
    );
  return {
    model,
    report,
    options,
    ready,
    layers,
    reference: await referenceLogits(ready.problem, signal),
    signal,
  };
}

function requireSameModel(model: Model, report: Report, options: ProveOptions): void {
  if (model.sha256 === report.model.sha256) return;
  throw new CurvatureError(
    'option-invalid',
    `${path.basename(options.report)} is of another model than ${path.basename(options.model)}: the files' checksums differ.`,
    'Analyze this model first, or give the one that was analysed.',
  );
}

/** A suggestion that is measured on the samples that it was made from proves little. */
function requireFreshData({ data }: SetUp, report: Report, { skip = 0 }: ProveOptions): void {
  if (data.sha256 !== report.data.sha256 || skip >= report.samples) return;
  throw new CurvatureError(
    'option-invalid',
    `These are the data of the analysis, which used the first ${report.samples} samples; ${skip === 0 ? 'none of them' : `only ${skip}`} would be skipped.`,
    `Give other data, or split these: analyze --samples N, then prove --skip N.`,
  );
}

function outputsOf({ graph }: Model, { model }: Report): readonly string[] | undefined {
  const names = model.output.split(', ');
  return names.every(name => graph.outputs.includes(name)) ? names : undefined;
}

function textOf(file: string, code: 'report-invalid' | 'problem-invalid'): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CurvatureError(code, `'${file}' can't be read: ${(error as Error).message}.`);
  }
}

/** The suggestion first, and what it is compared with. */
function candidatesOf({ report, options, layers }: Task): Candidate[] {
  const suggestion: Candidate = {
    name: 'suggestion',
    kind: 'suggestion',
    bits: suggestedBits(report, options, layers),
  };
  const bytes = bytesOf(layers, suggestion.bits);
  const rivals = layers.map(({ layer, predicted }) => ({
    name: layer.name,
    choices: report.settings.bits.map(bits => ({
      bits,
      bytes: bytesAt(layer, bits),
      costs: allPredicted([predicted], [bits]),
    })),
  }));
  return [
    suggestion,
    ...UNIFORM.map(bits => uniformly(rivals, bits)),
    ...options.rivals.flatMap(metric => chosenBy(rivals, metric, bytes) ?? []),
    ...drawn(rivals, bytes, options.random, options.seed),
  ];
}

function suggestedBits(
  report: Report,
  options: ProveOptions,
  layers: Task['layers'],
): Record<string, number> {
  if (options.bits === undefined)
    return Object.fromEntries(
      layers.map(({ layer }) => [layer.name, report.layers.find(l => l.name === layer.name)!.bits!]),
    );
  const { bits } = parseBits(textOf(options.bits, 'problem-invalid'));
  const unknown = Object.keys(bits).find(name => !layers.some(({ layer }) => layer.name === name));
  if (unknown !== undefined)
    throw new CurvatureError(
      'problem-invalid',
      `${path.basename(options.bits)} has a width for '${unknown}', which is no layer of the report.`,
    );
  return Object.fromEntries(layers.map(({ layer }) => [layer.name, bits[layer.name] ?? FLOAT_BITS]));
}

function bytesOf(layers: Task['layers'], bits: Readonly<Record<string, number>>): number {
  const of = (layer: Layer, width: number): number =>
    width === FLOAT_BITS ? 4 * layer.size : bytesAt(layer, width);
  return layers.reduce((sum, { layer }) => sum + of(layer, bits[layer.name]), 0);
}

async function measureAllocations(
  { model, ready, layers, reference, signal }: Task,
  candidates: readonly Candidate[],
): Promise<Pick<Proof, 'unchanged' | 'allocations'>> {
  const all = layers.map(({ layer }) => layer);
  const { score, dispose } = await scorer(ready.problem, all, reference, signal);
  const scores: Scores[] = [];
  let before: Scores;
  try {
    before = await score(new Map());
    for (const { bits } of candidates) {
      const changed = all.filter(layer => bits[layer.name] !== FLOAT_BITS);
      const weights = changed.map(
        layer => [layer.initializer, quantizedWeight(model, layer, bits[layer.name])] as const,
      );
      scores.push(await score(new Map(weights)));
    }
  } finally {
    await dispose();
  }
  const size = all.reduce((sum, layer) => sum + layer.size, 0);
  const total = (shares: Float64Array): number => shares.reduce((sum, s) => sum + s, 0);
  return {
    unchanged: {
      loss: measured(before.losses),
      ...(before.hits ? { accuracy: measured(before.hits) } : {}),
    },
    allocations: candidates.map((candidate, c): ProofAllocation => {
      const { losses, hits, divergences } = scores[c];
      const bytes = bytesOf(layers, candidate.bits);
      return {
        ...candidate,
        bytes,
        effectiveBits: (8 * bytes) / size,
        predicted: allPredicted(
          layers.map(l => l.predicted),
          all.map(layer => candidate.bits[layer.name]),
        ),
        loss: total(losses),
        ...(hits ? { accuracy: total(hits) } : {}),
        lossChange: pairedDifference(losses, before.losses),
        ...(hits ? { accuracyChange: pairedDifference(hits, before.hits!) } : {}),
        divergence: measured(divergences),
        ...(c > 0 ? { lossOverSuggestion: pairedDifference(losses, scores[0].losses) } : {}),
      };
    }),
  };
}

type Change = Pick<Proof['single'][number], 'lossChange' | 'divergence'>;

/** What changes by layer and width, that layer alone quantized. */
async function measureSingles(
  { model, report, ready, layers, reference, signal }: Task,
  tell: (label: string, share: number) => void,
): Promise<Change[][]> {
  const found: Change[][] = [];
  for (const [l, { layer }] of layers.entries()) {
    tell(`Measuring layer ${l + 1} of ${layers.length} alone`, l / layers.length);
    const { score, dispose } = await scorer(ready.problem, [layer], reference, signal);
    try {
      const before = await score(new Map());
      const row: Change[] = [];
      for (const bits of report.settings.bits) {
        const weights = new Map([[layer.initializer, quantizedWeight(model, layer, bits)]]);
        const { losses, divergences } = await score(weights);
        row.push({
          lossChange: pairedDifference(losses, before.losses),
          divergence: measured(divergences),
        });
      }
      found.push(row);
    } finally {
      await dispose();
    }
  }
  return found;
}

/** Noise that a change must pass to be told from none, in standard errors. */
const RESOLVED = 2;

const resolvedBits = (widths: readonly number[], changes: readonly (readonly Change[])[]): number[] =>
  widths.filter((_, w) => {
    const clear = changes.filter(
      row => Math.abs(row[w].lossChange.value) > RESOLVED * (row[w].lossChange.stderr ?? 0),
    );
    return 2 * clear.length >= changes.length;
  });

function agreementOf(
  { report, options, layers }: Task,
  changes: readonly (readonly Change[])[],
  allocations: readonly ProofAllocation[],
): Proof['agreement'] {
  const { bits } = report.settings;
  const predicted = layers.map(l => l.predicted);
  const resolved = resolvedBits(bits, changes);
  const targets = [
    { measured: 'deltaLoss' as const, of: ({ lossChange }: Change) => lossChange.value },
    { measured: 'divergence' as const, of: ({ divergence }: Change) => divergence.value },
  ];
  return targets.flatMap(({ measured: what, of }) =>
    metricNames
      .filter(metric => predicted.some(p => p[metric]))
      .map(metric => {
        const told = allocations.filter(a => a.predicted[metric] !== undefined);
        const rho = spearman(
          told.map(a => a.predicted[metric]!),
          told.map(of),
        );
        const truth: Table = changes.map(row => row.map(of));
        return {
          metric,
          measured: what,
          ...agreement(
            costTable(predicted, metric, bits),
            truth,
            bits,
            options.seed,
            what === 'deltaLoss' && resolved.length > 0 ? resolved : bits,
          ),
          allocations: Number.isNaN(rho) ? null : rho,
        };
      }),
  );
}
