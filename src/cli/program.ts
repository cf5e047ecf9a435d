import { Command, CommanderError, Option } from 'commander';
import { defaultOptions, defaultProveOptions, defaultSpectrumOptions } from '../engine/analysis/options';
import { traceMethods } from '../engine/estimators/trace';
import { version } from '../../package.json';
import { methods } from '../engine/allocation/answer';
import { defaultExportOptions, exportFormats } from '../engine/export/options';
import { recipeTools } from '../engine/export/recipes/recipe';
import { rangeMethods } from '../engine/quantization/quantizer';
import { calibrationMethods } from '../engine/quantization/calibrate';
import { metricNames } from '../engine/report/metrics';
import { type AllocateFlags } from './allocate';
import { type AnalyzeFlags } from './analyze';
import { type CoverageFlags } from './coverage';
import { exitCodeOf, printError } from './errors';
import { type HvpFlags } from './hvp';
import { type QuantizeFlags } from './quantize';
import { type ProveFlags } from './prove';
import { type SpectrumFlags } from './spectrum';
import { addMatrixCommands } from './matrixCommands';
import {
  batchOption,
  dataOption,
  labelsOption,
  lossOption,
  matrixOption,
  matrixOptions,
  memoryOption,
  outputsOption,
  providerOption,
  samplesOption,
  seedOption,
} from './options';
import * as read from './values';
import { matrices } from '../engine/curvature/products';

/**
 * Runs one command line; resolves to the exit code: 0 done, 1 the run failed, 2 bad usage or input, 3 budgets
 * that can't be met, 130 interrupted.
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('curvature')
    .description(
      'Measures how strongly each layer of an ONNX model bends the loss, and suggests how many bits each layer needs.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help explains all options)');
  // The engine, with ONNX Runtime's native part, is loaded only when there is something to run.
  addAnalyze(program, async (model, flags) => {
    const { runAnalyze } = await import('./analyze');
    code = await runAnalyze(model, flags);
  });
  addAllocate(program, async (file, flags) => {
    const { runAllocate } = await import('./allocate');
    code = await runAllocate(file, flags);
  });
  addQuantize(program, async (model, flags) => {
    const { runQuantize } = await import('./quantize');
    code = await runQuantize(model, flags);
  });
  addProve(program, async (model, flags) => {
    const { runProve } = await import('./prove');
    code = await runProve(model, flags);
  });
  addSpectrum(program, async (model, flags) => {
    const { runSpectrum } = await import('./spectrum');
    code = await runSpectrum(model, flags);
  });
  addMatrixCommands(program, value => (code = value));
  addCoverage(program, async (models, flags) => {
    const { runCoverage } = await import('./coverage');
    code = await runCoverage(models, flags);
  });
  addHvp(program, async (model, flags) => {
    const { runHvp } = await import('./hvp');
    code = await runHvp(model, flags);
  });
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    // Commander has printed its own message, and reports --help and --version as errors with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    printError(error);
    return exitCodeOf(error);
  }
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
    .addOption(
      new Option('--bits <list>', 'candidate bit widths, 2 to 16')
        .argParser(read.bitWidths)
        .default([...defaultOptions.bits], defaultOptions.bits.join(',')),
    )
    .option(
      '--budget <size>',
      'limit on the quantized weights: a size (8MB, 800KB), bits per weight (4.5bits), or a share of the way from all at 4 bits to all at 8 bits (0.5)',
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
      '--metrics',
      'measure metrics side by side: the loss and outputs with each layer quantized alone, the expansion of the loss, FIT, XᵀX, SQNR, and how they rank the layers',
    )
    .addOption(seedOption())
    .addOption(providerOption())
    .option('-o, --out <file>', 'write the report as JSON, to open in the editor or analyze further')
    .option(
      '--resume',
      'go on with a run of the same settings that was stopped, from what it kept beside --out',
    )
    .option('--html <file>', 'write the report as one HTML page')
    .option('--csv <file>', 'write the table of layers as CSV')
    .option('--json', 'print the report as JSON in place of the table')
    .addHelpText(
      'after',
      '\nExample:\n  curvature analyze resnet.onnx --data images.npz --bits 4,8 --budget 4.5bits --out resnet.curvature.json',
    )
    .action(action);
}

function addAllocate(program: Command, action: (file: string, flags: AllocateFlags) => Promise<void>): void {
  program
    .command('allocate')
    .description('Choose bit widths anew for a report or a problem file, exactly, under any budgets.')
    .argument('<file>', 'a report (*.curvature.json), or a problem as JSON')
    .option(
      '--budget <limit>',
      "a size (8MB), bits per weight (4.5bits), a ratio to float32 (4x), a share of the way from all at 4 bits to all at 8 (0.5), or another cost's (bops=3G, latency=5ms, NAME=number, NAME=50%); all that are given hold (default: the file's)",
      read.budgets,
    )
    .option('--pin <layer=bits>', 'settle the width of a layer; may be repeated', read.pins)
    .option('--tie <layers>', 'layers that take the same width, by commas; may be repeated', read.ties)
    .option('--first-last <bits>', 'settle the width of the first and the last layer', read.width)
    .addOption(
      new Option(
        '--method <name>',
        'pareto is exact; hawq-v2 gives no layer more bits than one with a larger trace; hawq-v3 chooses from 4 and 8 bits',
      )
        .choices(methods)
        .default('pareto'),
    )
    .option('--draws <n>', 'redraw the sensitivities n times from their errors, 0 for never', read.count, 200)
    .option('--seed <n>', 'seed of these draws', read.seed, defaultOptions.seed)
    .option('--json', 'print the answer as JSON in place of the table')
    .addHelpText(
      'after',
      "\nExit code 3 tells that the budgets can't be met; the nearest choice is printed then.\n\nExample:\n  curvature allocate resnet.curvature.json --budget 4.5bits --pin fc.weight=8 --tie conv1,shortcut",
    )
    .action(action);
}

function addQuantize(program: Command, action: (model: string, flags: QuantizeFlags) => Promise<void>): void {
  program
    .command('quantize')
    .description('Write the model with its weights in the chosen bit widths, to run in ONNX Runtime.')
    .argument('<model>', 'the .onnx file')
    .requiredOption('-o, --output <file>', 'the .onnx file to write, or the recipe')
    .option('--bits <file>', 'widths by layer: a *.bits.json, or what allocate --json prints')
    .option(
      '--report <file>',
      'a report (*.curvature.json); its suggested widths, or the best ones within --budget',
    )
    .option(
      '--budget <size>',
      'limit on the quantized weights, as for analyze; without --report the model is analyzed first',
      read.budget,
    )
    .option('--width <bits>', 'one width for all layers, 2 to 16', read.bitWidth)
    .addOption(
      new Option(
        '--format <name>',
        "qdq writes DequantizeLinear, which all runtimes read; matmulnbits ONNX Runtime's MatMulNBits for matrix products alone; auto that where it fits, else qdq",
      )
        .choices(exportFormats)
        .default(defaultExportOptions.format),
    )
    .option('--symmetric', 'levels around 0, no zero points (default)')
    .addOption(new Option('--asymmetric', 'levels over the range, with zero points').conflicts('symmetric'))
    .addOption(
      new Option('--range <name>', 'what the levels span: all weights, 99.99 % of them, or what errs least')
        .choices(rangeMethods)
        .default(defaultExportOptions.range),
    )
    .option(
      '--block-size <n>',
      'weights along the summed axis of a matrix that share a scale (default: one scale per output channel; 32 for MatMulNBits)',
      read.positive,
    )
    .addOption(
      new Option('--recipe <tool>', 'write what this tool takes to quantize the model itself').choices(
        recipeTools,
      ),
    )
    .addOption(dataOption())
    .addOption(labelsOption())
    .addOption(lossOption())
    .addOption(samplesOption())
    .addOption(seedOption())
    .addOption(providerOption())
    .option('--json', 'print the summary as JSON in place of the table')
    .addHelpText(
      'after',
      "\nExit code 3 tells that the budget can't be met.\n\nExample:\n  curvature quantize resnet.onnx --bits resnet.bits.json -o resnet.int.onnx\n  curvature quantize bert.onnx --report bert.curvature.json --budget 4.5bits --format auto -o bert.int.onnx",
    )
    .action(action);
}

function addProve(program: Command, action: (model: string, flags: ProveFlags) => Promise<void>): void {
  program
    .command('prove')
    .description(
      'Measure the suggested bits on data that the analysis has not seen, beside uniform widths and rivals of the same size.',
    )
    .argument('<model>', 'the .onnx file')
    .requiredOption('--report <file>', 'the report of the analysis (*.curvature.json)')
    .requiredOption('-d, --data <file>', "an .npz with other samples than the analysis's")
    .addOption(labelsOption())
    .option(
      '--skip <n>',
      'leave out the first n samples: those that `analyze --samples n` has used',
      read.count,
    )
    .addOption(samplesOption())
    .option('--bits <file>', "measure the widths of a file (*.bits.json) in place of the report's")
    .option(
      '--random <n>',
      'how many random allocations of the same size to compare with',
      read.count,
      defaultProveOptions.random,
    )
    .addOption(
      new Option('--rivals <metrics...>', 'metrics of the report that choose rivals of the same size')
        .choices(metricNames)
        .default([...defaultProveOptions.rivals], defaultProveOptions.rivals.join(' ')),
    )
    .addOption(batchOption('as many as fit into memory, 64 at most'))
    .addOption(memoryOption())
    .addOption(seedOption())
    .addOption(providerOption())
    .option('-o, --out <file>', 'write the proof as JSON')
    .option('--embed', 'keep the proof in the report as well')
    .option('--json', 'print that JSON in place of the text')
    .addHelpText(
      'after',
      '\nExample:\n  curvature analyze net.onnx --data net.npz --samples 128 --metrics --out net.curvature.json\n  curvature prove net.onnx --report net.curvature.json --data net.npz --skip 128',
    )
    .action(action);
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
    .option('--cross-check', 'find the eigenvalue of largest magnitude by power iteration as well')
    .addHelpText(
      'after',
      '\nExample:\n  curvature spectrum resnet.onnx --data images.npz --layer "layer4.*" --out layer4.spectrum.json',
    )
    .action(action);
  for (const option of matrixOptions()) command.addOption(option);
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
