import path from 'node:path';
import type { Layer } from '../curvature/layers';
import { type Scores, scorer } from '../curvature/scores';
import { CurvatureError } from '../errors';
import { parseBits } from '../report/bits';
import { metricNames } from '../report/metrics';
import { type Proof, PROOF_VERSION, type ProofAllocation } from '../report/proof';
import type { Diagnostic, Report } from '../report/schema';
import { measured, pairedDifference } from '../sensitivity/sampleMean';
import { type Change, changesAlone } from './changes';
import { agreementOf, resolvedBits } from './foretold';
import type { ProveHooks } from './hooks';
import type { ProveOptions } from './options';
import { allPredicted } from './predictions';
import { ProgressTracker } from './progress';
import { prepareTask, type Task, textOf } from './proofTask';
import type { QuantizedLayers } from './quantizedLayers';
import { type Candidate, chosenBy, drawn, uniformly } from './rivals';
import { secondsSince } from './run';
import { TOOL } from './state';
import { verdictsOf } from './verdicts';

/** Widths that every suggestion is compared with. */
const UNIFORM = [8, 4];
const FLOAT_BITS = 32;

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
        deltaLoss: changes[l][w].deltaLoss,
        divergence: changes[l][w].divergence,
      })),
    ),
    resolvedBits: resolvedBits(bits, changes),
    agreement: agreementOf(task, changes, allocations),
    diagnostics: [...ready.diagnostics, ...fewRivals(options.random, candidates)],
    timings,
  };
  progress.step('metrics', 'Done', 1);
  return { ...proof, verdicts: verdictsOf(proof) };
}

function fewRivals(wanted: number, candidates: readonly Candidate[]): Diagnostic[] {
  const found = candidates.filter(({ kind }) => kind === 'random').length;
  if (found === wanted) return [];
  const message = `${wanted} random rivals were asked for, and ${found} of the suggestion's size were found: so few layers leave few ways to fill it.`;
  return [{ severity: 'info', code: 'few-rivals', message }];
}

/** The suggestion first, and what it is compared with. */
function candidatesOf({ report, options, layers, quantized }: Task): Candidate[] {
  const suggestion: Candidate = {
    name: 'suggestion',
    kind: 'suggestion',
    bits: suggestedBits(report, options, layers),
  };
  const bytes = bytesOf(layers, suggestion.bits, quantized);
  const rivals = layers.map(({ layer, predicted }) => ({
    name: layer.name,
    choices: report.settings.bits.map(bits => ({
      bits,
      bytes: quantized.bytesAt(layer, bits),
      costs: allPredicted([predicted], [bits]),
    })),
  }));
  return [
    suggestion,
    ...UNIFORM.map(bits => uniformly(rivals, bits)),
    ...options.rivals.flatMap(metric => chosenBy(rivals, metric, bytes) ?? []),
    ...drawn(rivals, bytes, options.random, options.seed, suggestion),
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

function bytesOf(
  layers: Task['layers'],
  bits: Readonly<Record<string, number>>,
  { bytesAt }: QuantizedLayers,
): number {
  const of = (layer: Layer, width: number): number =>
    width === FLOAT_BITS ? 4 * layer.size : bytesAt(layer, width);
  return layers.reduce((sum, { layer }) => sum + of(layer, bits[layer.name]), 0);
}

async function measureAllocations(
  { quantized, ready, layers, reference, signal }: Task,
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
        layer => [layer.initializer, quantized.weightAt(layer, bits[layer.name])] as const,
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
      const bytes = bytesOf(layers, candidate.bits, quantized);
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

/** What changes by layer and width, that layer alone quantized. */
async function measureSingles(
  { quantized, report, ready, layers, reference, signal }: Task,
  tell: (label: string, share: number) => void,
): Promise<(readonly Change[])[]> {
  const all = layers.map(({ layer }) => layer);
  const found: (readonly Change[])[] = [];
  const { bits } = report.settings;
  for await (const { changes } of changesAlone(quantized, ready.problem, all, bits, reference, signal)) {
    found.push(changes);
    tell(`Layer ${found.length} of ${layers.length} measured alone`, found.length / layers.length);
  }
  return found;
}
