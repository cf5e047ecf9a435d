import { Option } from 'commander';
import { defaultOptions } from '../engine/analysis/options';
import type { Matrix } from '../engine/curvature/matrices';
import { type GranularityChoice, granularityChoices } from '../engine/quantization/quantizer';
import * as read from './values';

/** Options that several commands share. */

export const dataOption = (): Option =>
  new Option(
    '-d, --data <file>',
    "samples: an .npz with arrays named as the model's inputs, and labels (default: made-up inputs)",
  );

export const lossOption = (): Option =>
  new Option(
    '--loss <name>',
    'loss to differentiate: auto takes cross-entropy where there are class labels, and kl without labels',
  )
    .choices(['auto', 'cross-entropy', 'mse', 'kl'])
    .default(defaultOptions.loss);

export const outputsOption = (): Option =>
  new Option(
    '--outputs <names...>',
    'outputs of the model that the loss is taken of (default: the first one that the labels fit; without labels the sum over all)',
  );

/** @param otherwise what holds without it; in `Options` it is absent then */
export const granularityOption = (otherwise?: string): Option => {
  const option = new Option(
    '--granularity <name>',
    `what shares a scale: the weights of an output channel, or all; auto takes channels where their scales are worth the bytes${otherwise === undefined ? '' : ` (default: ${otherwise})`}`,
  ).choices(granularityChoices);
  return otherwise === undefined ? option.default('auto' satisfies GranularityChoice) : option;
};

export const batchOption = (otherwise: string): Option =>
  new Option('--batch <n>', `samples per run of the derivative graph (default: ${otherwise})`).argParser(
    read.positive,
  );

export const labelsOption = (): Option =>
  new Option(
    '--labels <name>',
    'array of labels or targets in the data file (default: labels, targets, y or label)',
  );

export const samplesOption = (): Option =>
  new Option('--samples <n>', 'use the first n samples of the data (default: all)').argParser(read.positive);

export const memoryOption = (): Option =>
  new Option(
    '--memory <size>',
    'memory that may be used, such as 4GB (default: half of what is free, 8GB at most)',
  ).argParser(read.memory);

export const seedOption = (): Option =>
  new Option('--seed <n>', 'seed of all random numbers').argParser(read.seed).default(defaultOptions.seed);

/** @param otherwise what ends the draws without it */
export const timeOption = (otherwise = '--rtol'): Option =>
  new Option(
    '--for <time>',
    `draw no more probes than error bars need once this time is up, such as 60s or 5min (default: until ${otherwise})`,
  ).argParser(read.duration);

/** Of commands that draw nothing at random and measure one thing after the other. @param part what they end after */
export const partOption = (part: string): Option =>
  new Option(
    '--for <time>',
    `end after the ${part} at which this time is up, such as 60s or 5min; --resume goes on with the rest (default: measure all)`,
  ).argParser(read.duration);

export const providerOption = (): Option =>
  new Option(
    '--ep <name>',
    'ONNX Runtime execution provider; auto takes the fastest of this machine that agrees with the CPU',
  )
    .choices(['auto', 'cpu', 'cuda', 'webgpu', 'dml', 'coreml'])
    .default(defaultOptions.executionProvider);

export const resumeOption = (): Option =>
  new Option(
    '--resume',
    'go on with a run of the same settings that was stopped, from what it kept beside --out',
  );

const outOption = (): Option => new Option('-o, --out <file>', 'write the result as JSON');

/** Of commands whose result a model's report can hold. */
export const intoOption = (): Option =>
  new Option(
    '--into <report>',
    "put the result into this report of the model (*.curvature.json), for the editor's panel and saved pages",
  );

const layerOption = (): Option =>
  new Option(
    '--layer <globs...>',
    'only the block of the layers or parameters whose names match, such as "layer4.*" (default: all parameters)',
  );

/** What all commands take that multiply by a curvature matrix. */
export const matrixOptions = (): Option[] => [
  dataOption(),
  labelsOption(),
  lossOption(),
  outputsOption(),
  layerOption(),
  samplesOption(),
  batchOption('as many as fit into memory, 64 at most'),
  memoryOption(),
  seedOption(),
  providerOption(),
  outOption(),
  new Option('--json', 'print that JSON in place of the text'),
  resumeOption(),
];

/** The matrices that a command offers. */
export function matrixOption(choices: readonly Matrix[]): Option {
  const says = choices.map(matrix => matrixHelp[matrix]).join(', ');
  return new Option('--matrix <name>', says).choices(choices).default(choices[0]);
}

const matrixHelp: Record<Matrix, string> = {
  hessian: 'hessian is the exact second derivative',
  ggn: 'ggn the Gauss–Newton matrix, which has no negative eigenvalues',
  fisher: 'fisher the mean of g gᵀ over the gradients g of the labelled samples',
};
