import { type Command, Option } from 'commander';
import {
  defaultCompareOptions,
  defaultCouplingOptions,
  defaultExportDiagonalOptions,
  defaultSaliencyOptions,
  defaultSpectrumOptions,
  defaultStabilityOptions,
  defaultTrustOptions,
} from '../engine/analysis/matrixOptions';
import { matrices } from '../engine/curvature/matrices';
import { traceMethods } from '../engine/estimators/trace';
import { optimizers } from '../engine/training/optimizers';
import type { CompareFlags } from './compare';
import type { CouplingFlags } from './coupling';
import {
  granularityOption,
  intoOption,
  matrixOption,
  matrixOptions,
  partOption,
  timeOption,
} from './options';
import type { DiagonalFlags } from './diagonal';
import type { SaliencyFlags } from './saliency';
import type { SpectrumFlags } from './spectrum';
import type { StabilityFlags } from './stability';
import type { TrustFlags } from './trust';
import * as read from './values';

/** Commands that answer a question by products with a curvature matrix. @param exit takes the exit code */
export function addMatrixCommands(program: Command, exit: (code: number) => void): void {
  addSpectrum(program, async (model, flags) => {
    const { runSpectrum } = await import('./spectrum');
    exit(await runSpectrum(model, flags));
  });
  addStability(program, async (model, flags) => {
    const { runStability } = await import('./stability');
    exit(await runStability(model, flags));
  });
  addCoupling(program, async (model, flags) => {
    const { runCoupling } = await import('./coupling');
    exit(await runCoupling(model, flags));
  });
  addCompare(program, async (files, flags) => {
    const { runCompare } = await import('./compare');
    exit(await runCompare(files, flags));
  });
  addSaliency(program, async (model, flags) => {
    const { runSaliency } = await import('./saliency');
    exit(await runSaliency(model, flags));
  });
  addDiagonal(program, async (model, flags) => {
    const { runDiagonal } = await import('./diagonal');
    exit(await runDiagonal(model, flags));
  });
  addTrust(program, async (model, flags) => {
    const { runTrust } = await import('./trust');
    exit(await runTrust(model, flags));
  });
}

function addSpectrum(program: Command, action: (model: string, flags: SpectrumFlags) => Promise<void>): void {
  const command = program
    .command('spectrum')
    .description(
      'Show the eigenvalues of the curvature matrix of a model, or of some of its layers: density, both ends, trace.',
    )
    .argument('<model>', 'the .onnx file')
    .addOption(matrixOption(matrices))
    .option(
      '--steps <n>',
      'products per start vector: more show finer parts of the spectrum',
      read.positive,
      defaultSpectrumOptions.steps,
    )
    .option(
      '--probes <n>',
      'random start vectors (n_v): more make the errors smaller',
      read.probes,
      defaultSpectrumOptions.probes,
    )
    .addOption(
      new Option(
        '--estimator <name>',
        'of the trace: auto takes the best one that the products and memory allow',
      )
        .choices(['auto', ...traceMethods])
        .default(defaultSpectrumOptions.estimator),
    )
    .option(
      '--rtol <x>',
      'stop probing for the trace when its standard error is below this share of it',
      read.tolerance,
      defaultSpectrumOptions.rtol,
    )
    .option(
      '--max-products <n>',
      'products that the trace may take',
      read.products,
      defaultSpectrumOptions.maxProducts,
    )
    .addOption(timeOption())
    .option('--cross-check', 'find the eigenvalue of largest magnitude by power iteration as well')
    .addHelpText(
      'after',
      '\nExample:\n  curvature spectrum resnet.onnx --data images.npz --layer "layer4.*" --out layer4.spectrum.json',
    )
    .action(action);
  for (const option of [...matrixOptions(), intoOption()]) command.addOption(option);
}

function addStability(
  program: Command,
  action: (model: string, flags: StabilityFlags) => Promise<void>,
): void {
  const command = program
    .command('stability')
    .description(
      'Tell whether training with a learning rate, batch size and momentum is stable at the weights of a model.',
    )
    .argument('<model>', 'the .onnx file')
    .option('--lr <x>', 'learning rate', read.tolerance)
    .option('--batch-size <n>', 'samples per training step', read.positive)
    .option('--momentum <x>', "momentum, or Adam's first beta, from 0 to below 1", read.share)
    .addOption(new Option('--optimizer <name>', 'sgd with momentum is heavy ball').choices(optimizers))
    .option('--save', 'keep these four in curvature.json beside the model, for the next time')
    .addOption(matrixOption(['hessian', 'ggn']))
    .option(
      '--batches <n>',
      'random batches of each size whose Hessians are measured',
      read.probes,
      defaultStabilityOptions.batches,
    )
    .addHelpText(
      'after',
      '\nSettings that are not given are read from curvature.json beside the model or in the working directory.\n\nExample:\n  curvature stability resnet.onnx --data images.npz --lr 0.1 --batch-size 32 --momentum 0.9',
    )
    .action(action);
  for (const option of [...matrixOptions(), intoOption()]) command.addOption(option);
}

function addCoupling(program: Command, action: (model: string, flags: CouplingFlags) => Promise<void>): void {
  const command = program
    .command('coupling')
    .description(
      'Show how much curvature layers share, and whether their sensitivities may be added: norms of the blocks of the Hessian.',
    )
    .argument('<model>', 'the .onnx file')
    .addOption(matrixOption(matrices))
    .option('--probes <n>', 'random vectors on each layer', read.probes, defaultCouplingOptions.probes)
    .option(
      '--bits <n>',
      'the width whose rounding errors are meant',
      read.bitWidth,
      defaultCouplingOptions.bits,
    )
    .addOption(granularityOption())
    .addOption(timeOption('--probes'))
    .addHelpText('after', '\nExample:\n  curvature coupling resnet.onnx --data images.npz')
    .action(action);
  for (const option of [...matrixOptions(), intoOption()]) command.addOption(option);
}

function addCompare(
  program: Command,
  action: (reports: string[], flags: CompareFlags) => Promise<void>,
): void {
  const command = program
    .command('compare')
    .description(
      'Compare two reports layer by layer, or the Hessians of a layer between two models or two sets of data.',
    )
    .argument('[reports...]', 'two reports (*.curvature.json)')
    .option('--model <files...>', 'one or two .onnx files')
    .option('-d, --data <files...>', 'one or two .npz files')
    .addOption(matrixOption(matrices))
    .option(
      '--count <n>',
      'eigenvectors whose spaces are compared',
      read.positive,
      defaultCompareOptions.count,
    )
    .option('--html <file>', 'write two reports side by side as one page')
    .addHelpText(
      'after',
      '\nExample:\n  curvature compare before.curvature.json after.curvature.json\n  curvature compare --model net.onnx --data train.npz test.npz',
    )
    .action(action);
  for (const option of matrixOptions()) if (option.long !== '--data') command.addOption(option);
}

function addSaliency(program: Command, action: (model: string, flags: SaliencyFlags) => Promise<void>): void {
  const command = program
    .command('saliency')
    .description(
      'Tell what removing the least salient weights of each layer costs, and quantizing it, with and without the other weights making up for it: by the inverse empirical Fisher matrix, and measured.',
    )
    .argument('<model>', 'the .onnx file')
    .option(
      '--gradients <n>',
      'samples whose gradients make the Fisher matrix; memory and time grow with it',
      read.positive,
      defaultSaliencyOptions.gradients,
    )
    .option(
      '--damping <x>',
      "share of the mean of the matrix's diagonal that is added to it; a large one corrects less",
      read.tolerance,
      defaultSaliencyOptions.damping,
    )
    .addOption(
      new Option('--sparsity <list>', 'shares of the weights to remove')
        .argParser(read.shares)
        .default([...defaultSaliencyOptions.sparsity], defaultSaliencyOptions.sparsity.join(',')),
    )
    .addOption(
      new Option('--bits <list>', 'bit widths, 2 to 16')
        .argParser(read.bitWidths)
        .default([...defaultSaliencyOptions.bits], defaultSaliencyOptions.bits.join(',')),
    )
    .addOption(granularityOption())
    .addOption(partOption('layer'))
    .addHelpText(
      'after',
      '\nExample:\n  curvature saliency resnet.onnx --data images.npz --layer "layer4.*" --sparsity 0.5',
    )
    .action(action);
  for (const option of matrixOptions()) command.addOption(option);
}

function addDiagonal(program: Command, action: (model: string, flags: DiagonalFlags) => Promise<void>): void {
  const command = program
    .command('diagonal')
    .description(
      'Write the diagonal of the curvature matrix with its standard errors, an array for each parameter.',
    )
    .argument('<model>', 'the .onnx file')
    .requiredOption('-o, --out <file>', 'the .npz file to write')
    .addOption(matrixOption(matrices))
    .option('--average', "the mean over each convolution's kernel, as AdaHessian takes it: fewer probes do")
    .option(
      '--rtol <x>',
      'stop probing when the standard error of the whole diagonal is below this share of it',
      read.tolerance,
      defaultExportDiagonalOptions.rtol,
    )
    .option(
      '--max-probes <n>',
      'stop probing after n probes at the latest',
      read.probes,
      defaultExportDiagonalOptions.maxProbes,
    )
    .addOption(timeOption())
    .addHelpText(
      'after',
      '\nExample:\n  curvature diagonal resnet.onnx --data images.npz --average --out resnet.diagonal.npz',
    )
    .action(action);
  const others = matrixOptions().filter(({ long }) => long !== '--out' && long !== '--json');
  for (const option of others) command.addOption(option);
}

function addTrust(program: Command, action: (model: string, flags: TrustFlags) => Promise<void>): void {
  const command = program
    .command('trust')
    .description(
      'Compare the second-order model with the loss itself along the quantization error of each layer, and mark widths where it does not hold.',
    )
    .argument('<model>', 'the .onnx file')
    .addOption(
      new Option('--bits <list>', 'bit widths, 2 to 16')
        .argParser(read.bitWidths)
        .default([...defaultTrustOptions.bits], defaultTrustOptions.bits.join(',')),
    )
    .addOption(granularityOption())
    .option(
      '--tolerance <x>',
      'how far a predicted change of the loss may be off, as a share of the measured one',
      read.tolerance,
      defaultTrustOptions.tolerance,
    )
    .addOption(partOption('step'))
    .addHelpText('after', '\nExample:\n  curvature trust resnet.onnx --data images.npz --bits 4,8')
    .action(action);
  for (const option of [...matrixOptions(), intoOption()]) command.addOption(option);
}
