import { Option } from 'commander';
import { defaultOptions } from '../engine/analysis/options';
import * as read from './values';

/** Options that several commands have in common. */

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

export const providerOption = (): Option =>
  new Option(
    '--ep <name>',
    'ONNX Runtime execution provider; auto takes the fastest of this machine that agrees with the CPU',
  )
    .choices(['auto', 'cpu', 'cuda', 'webgpu', 'dml', 'coreml'])
    .default(defaultOptions.executionProvider);
