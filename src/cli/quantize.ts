import { readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  allocateFile,
  analyze,
  type AnalyzeOptions,
  CurvatureError,
  defaultExportOptions,
  defaultOptions,
  exportQuantized,
  type ExportFormat,
  type ExportOptions,
  type ExportSummary,
  exportRecipe,
  parseReport,
  type RecipeTool,
  type Report,
} from '../engine';
import type { GranularityChoice, RangeMethod } from '../engine/quantization/quantizer';
import { sha256 } from '../engine/analysis/model';
import { isActivationName } from '../engine/report/activationName';
import { parseBits } from '../engine/report/bits';
import { granularityOf } from '../engine/report/granularity';
import { readParsed, readText, requireWritable, writeResult } from './files';
import { interruptible } from './interrupt';
import { type ProgressView, showProgress } from './progress';
import { exportToText } from './quantizeText';

export interface QuantizeFlags extends Pick<AnalyzeOptions, 'data' | 'labels' | 'loss' | 'samples' | 'seed'> {
  readonly bits?: string;
  readonly report?: string;
  readonly budget?: string;
  readonly width?: number;
  readonly format: ExportFormat;
  readonly asymmetric?: boolean;
  readonly range: RangeMethod;
  readonly granularity?: GranularityChoice;
  readonly blockSize?: number;
  readonly recipe?: RecipeTool;
  readonly output: string;
  readonly ep: string;
  readonly json?: boolean;
}

/** Exit code where a budget can't be met. */
const INFEASIBLE = 3;

/** `curvature quantize`: resolves to the exit code. */
export async function runQuantize(model: string, flags: QuantizeFlags): Promise<number> {
  await requireWritable(flags.output);
  const view = showProgress();
  const { signal, release } = interruptible();
  let summary: ExportSummary | undefined;
  try {
    const chosen = await chosenBits(model, flags, view, signal);
    if (chosen === undefined) return INFEASIBLE;
    const { granularity = defaultExportOptions.granularity } = chosen;
    const bits = ofWeights(chosen.bits);
    const options: ExportOptions = {
      format: flags.format,
      symmetric: !flags.asymmetric,
      range: flags.range,
      granularity: flags.granularity ?? granularity,
      ...(flags.blockSize === undefined ? {} : { blockSize: flags.blockSize }),
    };
    if (flags.recipe !== undefined) {
      const { text, notes } = exportRecipe(model, bits, options, flags.recipe);
      view.stop();
      for (const note of notes) process.stderr.write(`note: ${note}\n`);
      await writeResult(flags.output, text);
      return 0;
    }
    summary = await exportQuantized(model, bits, options, flags.output, {
      onProgress: (message, fraction) => view.update({ stage: 'quantize', message, fraction }),
      signal,
    });
  } finally {
    release();
    view.stop();
  }
  process.stdout.write(flags.json ? `${JSON.stringify(summary, null, 2)}\n` : exportToText(summary));
  process.stderr.write(`Wrote ${flags.output}\n`);
  return 0;
}

interface Chosen {
  readonly bits: Readonly<Record<string, number>> | number;
  /** Where what was chosen by says it. */
  readonly granularity?: GranularityChoice;
}

/** Without the activations, which stay in floats. */
const ofWeights = (bits: Chosen['bits']): Chosen['bits'] =>
  typeof bits === 'number'
    ? bits
    : Object.fromEntries(Object.entries(bits).filter(([name]) => !isActivationName(name)));

/** A file that can't be read is told of when it is opened. */
async function requireSameModel(model: string, file: string, report: Report): Promise<void> {
  const bytes = await readFile(model).catch(() => undefined);
  if (bytes === undefined || sha256(bytes) === report.model.sha256) return;
  throw new CurvatureError(
    'option-invalid',
    `${path.basename(file)} is of another model than ${path.basename(model)}: the files' checksums differ.`,
    'Analyze this model first, or take the widths over with --bits, by the names of the layers.',
  );
}

/** Widths by layer from whatever the flags name; undefined where the budget can't be met. */
async function chosenBits(
  model: string,
  flags: QuantizeFlags,
  view: ProgressView,
  signal: AbortSignal,
): Promise<Chosen | undefined> {
  const { bits, report, width, budget } = flags;
  const given = Object.entries({ '--bits': bits, '--report': report, '--width': width })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  if (given.length > 1 || (budget !== undefined && given.length > 0 && report === undefined)) {
    const names = [...given, ...(budget === undefined ? [] : ['--budget'])].join(' and ');
    throw new CurvatureError(
      'option-invalid',
      `${names} both say how wide the layers are.`,
      'Give one of them.',
    );
  }
  if (bits !== undefined) return readParsed(bits, parseBits, 'problem-invalid');
  if (width !== undefined) return { bits: width };
  if (report !== undefined) {
    const found = await readParsed(report, parseReport, 'report-invalid');
    await requireSameModel(model, report, found);
    if (budget === undefined) return suggestionOf(found);
    const none = { ties: [], pins: {}, method: 'pareto' as const, seed: flags.seed, draws: 0 };
    const answer = await allocateFile(await readText(report), { ...none, budgets: [budget] });
    const widths = feasible(answer.bits, answer.feasible, answer.message);
    return widths && { bits: widths, granularity: answer.granularity };
  }
  if (budget === undefined) {
    throw new CurvatureError(
      'option-invalid',
      'Nothing says how wide the layers are to be.',
      'Give --bits FILE, --report REPORT, --width BITS, or --budget SIZE, which analyses the model first.',
    );
  }
  const { data, labels, loss, samples, seed, ep } = flags;
  const found = await analyze(
    {
      ...defaultOptions,
      eigenvalues: 0,
      model,
      data,
      labels,
      loss,
      samples,
      seed,
      budget,
      ...(flags.granularity === undefined ? {} : { granularity: flags.granularity }),
      executionProvider: ep,
    },
    { signal, onProgress: progress => view.update(progress) },
  );
  return suggestionOf(found);
}

/** The widths that the analysis suggests. */
function suggestionOf(report: Report): Chosen | undefined {
  const chosen = report.layers.flatMap(l => (l.bits === null ? [] : [[l.name, l.bits] as const]));
  if (chosen.length === 0)
    throw new CurvatureError('report-invalid', 'No layer of the report has a sensitivity.');
  const { budget } = report;
  // The report's own message says that the smallest choice is suggested; it is not written.
  const message =
    budget === null
      ? undefined
      : `The budget of ${Math.floor(budget.bytes)} bytes can't be met: with every layer at its smallest bit width the weights take ${budget.chosen.bytes}.`;
  const isFeasible = budget?.feasible ?? false;
  const widths = feasible(Object.fromEntries(chosen), isFeasible, message);
  return widths && { bits: widths, granularity: granularityOf(report) };
}

function feasible(
  bits: Readonly<Record<string, number>>,
  isFeasible: boolean,
  message = "The budget can't be met.",
): Readonly<Record<string, number>> | undefined {
  if (isFeasible) return bits;
  process.stderr.write(`error: ${message}\nhint: Nothing was written. Give a larger --budget.\n`);
  return undefined;
}
