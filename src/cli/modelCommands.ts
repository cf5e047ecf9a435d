import { type Command, Option } from 'commander';
import { defaultOptions } from '../engine/analysis/options';
import { exportFormats } from '../engine/export/options';
import { calibrationMethods } from '../engine/quantization/calibrate';
import type { AnalyzeFlags } from './analyze';
import type { CoverageFlags } from './coverage';
import type { HvpFlags } from './hvp';
import {
  batchOption,
  dataOption,
  granularityOption,
  labelsOption,
  lossOption,
  memoryOption,
  outputsOption,
  providerOption,
  resumeOption,
  samplesOption,
  seedOption,
  timeOption,
} from './options';
import * as read from './values';

/** Commands that look at a model. @param exit takes the exit code */
export function addModelCommands(program: Command, exit: (code: number) => void): void {
  addAnalyze(program, async (model, flags) => {
    const { runAnalyze } = await import('./analyze');
    exit(await runAnalyze(model, flags));
  });
  addCoverage(program, async (models, flags) => {
    const { runCoverage } = await import('./coverage');
    exit(await runCoverage(models, flags));
  });
  addHvp(program, async (model, flags) => {
    const { runHvp } = await import('./hvp');
    exit(await runHvp(model, flags));
  });
}

function addAnalyze(program: Command, action: (model: string, flags: AnalyzeFlags) => Promise<void>): void {
  program
    .command('analyze')
    .description('Find the curvature of every layer and suggest bit widths.')
    .argument('<model>', 'the .onnx file')
    .addOption(dataOption())
    .addOption(labelsOption())
    .addOption(lossOption())
    .addOption(outputsOption())
    .addOption(
      new Option(
        '--matrix <name>',
        'curvature matrix: ggn is fast and never negative, hessian is the exact second derivative',
      )
        .choices(['ggn', 'hessian', 'both'])
        .default(defaultOptions.matrix),
    )
    .option(
      '--eigenvalues <n>',
      "how many of the Hessian's largest eigenvalues to find, 0 for none",
      read.count,
      defaultOptions.eigenvalues,
    )
    .addOption(samplesOption())
    .addOption(batchOption('as many as fit into memory, 64 at most'))
    .addOption(memoryOption())
    .option(
      '--rtol <x>',
      'stop probing when the standard error of every trace is below this share of it',
      read.tolerance,
      defaultOptions.rtol,
    )
    .option(
      '--max-probes <n>',
      'stop probing after n probes at the latest',
      read.probes,
      defaultOptions.maxProbes,
    )
    .addOption(timeOption())
    .addOption(
      new Option('--bits <list>', 'candidate bit widths, 2 to 16')
        .argParser(read.bitWidths)
        .default([...defaultOptions.bits], defaultOptions.bits.join(',')),
    )
    .addOption(granularityOption())
    .option(
      '--budget <size>',
      'limit on the quantized weights: a size (8MB, 800KB), bits per weight (4.5bits), a ratio to float32 (4x), or a share of the way from all at 4 bits to all at 8 (0.5, 50%)',
      read.budget,
      defaultOptions.budget,
    )
    .addOption(
      new Option(
        '--activations [range]',
        'measure activations as well, quantized within their ends, what leaves out 0.01 % on either side, or what loses least entropy at 8 bits',
      )
        .choices(calibrationMethods)
        .preset('min-max'),
    )
    .option(
      '--measure-up-to <bits>',
      'run the model with each layer quantized alone at widths up to this, where curvature foretells little, 0 for never',
      read.count,
      defaultOptions.measureUpTo,
    )
    .option(
      '--joint-runs <n>',
      'run at most so many whole choices of widths on the data, from the best sums of the sensitivities, of SQNR and of Ω alone on, and suggest the one that changes the outputs least, 0 to suggest that of least ΣΩ',
      read.count,
      defaultOptions.jointRuns,
    )
    .option(
      '--metrics',
      'measure metrics side by side: the loss and outputs with each layer quantized alone, the expansion of the loss, FIT, XᵀX, SQNR, and how they rank the layers',
    )
    .addOption(
      new Option(
        '--latency [format]',
        "time each layer on this machine's CPU at each width, stored as `quantize --format` stores it, for budgets on latency",
      )
        .choices(exportFormats)
        .preset('auto'),
    )
    .addOption(seedOption())
    .addOption(providerOption())
    .option('-o, --out <file>', 'write the report as JSON, to open in the editor or analyze further')
    .addOption(resumeOption())
    .option('--html <file>', 'write the report as one HTML page')
    .option('--csv <file>', 'write the table of layers as CSV')
    .option('--json', 'print the report as JSON in place of the table')
    .addHelpText(
      'after',
      '\nExample:\n  curvature analyze resnet.onnx --data images.npz --bits 4,8 --budget 4.5bits --out resnet.curvature.json',
    )
    .action(action);
}

function addCoverage(
  program: Command,
  action: (models: string[], flags: CoverageFlags) => Promise<void>,
): void {
  program
    .command('coverage')
    .description('Tell which operators have derivatives, and how each layer will be measured; needs no data.')
    .argument('<models...>', '.onnx files')
    .option('--json', 'print JSON in place of tables')
    .addHelpText('after', '\nExample:\n  curvature coverage models/*.onnx')
    .action(action);
}

function addHvp(program: Command, action: (model: string, flags: HvpFlags) => Promise<void>): void {
  program
    .command('hvp')
    .description('Write an ONNX model that computes Hessian-vector products of the loss.')
    .argument('<model>', 'the .onnx file')
    .requiredOption('-o, --output <file>', 'the .onnx file to write')
    .addOption(dataOption())
    .addOption(lossOption())
    .addOption(outputsOption())
    .addOption(batchOption('all samples of the data, 1 without data'))
    .option('--parameters <globs...>', 'only parameters whose names match, such as "layer4.*" (default: all)')
    .addHelpText(
      'after',
      '\nExample:\n  curvature hvp resnet.onnx -o resnet.hvp.onnx --data images.npz --parameters "fc.*"',
    )
    .action(action);
}
