import { type Command, Option } from 'commander';
import { methods } from '../engine/allocation/answer';
import { defaultOptions, defaultProveOptions } from '../engine/analysis/options';
import { defaultExportOptions, exportFormats } from '../engine/export/options';
import { recipeTools } from '../engine/export/recipes/recipe';
import { rangeMethods } from '../engine/quantization/quantizer';
import { metricNames } from '../engine/report/metrics';
import type { AllocateFlags } from './allocate';
import type { ProveFlags } from './prove';
import type { QuantizeFlags } from './quantize';
import {
  batchOption,
  dataOption,
  granularityOption,
  labelsOption,
  lossOption,
  memoryOption,
  providerOption,
  samplesOption,
  seedOption,
} from './options';
import * as read from './values';

/** Commands that choose bit widths, write them and prove them. @param exit takes the exit code */
export function addBitsCommands(program: Command, exit: (code: number) => void): void {
  addAllocate(program, async (file, flags) => {
    const { runAllocate } = await import('./allocate');
    exit(await runAllocate(file, flags));
  });
  addQuantize(program, async (model, flags) => {
    const { runQuantize } = await import('./quantize');
    exit(await runQuantize(model, flags));
  });
  addProve(program, async (model, flags) => {
    const { runProve } = await import('./prove');
    exit(await runProve(model, flags));
  });
}

function addAllocate(program: Command, action: (file: string, flags: AllocateFlags) => Promise<void>): void {
  program
    .command('allocate')
    .description('Choose bit widths anew for a report or a problem file, exactly, under any budgets.')
    .argument('<file>', 'a report (*.curvature.json), or a problem as JSON')
    .option(
      '--budget <limit>',
      "a size (8MB), bits per weight (4.5bits), a ratio to float32 (4x), a share of the way from all at 4 bits to all at 8 (0.5, 50%), or another cost's (bops=3G, latency=5ms, NAME=number, NAME=50%); all that are given hold (default: the file's)",
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
    .addOption(granularityOption("the report's, or what the file of widths says, or auto"))
    .option(
      '--block-size <n>',
      'weights along the summed axis of a matrix that share a scale (default: as --granularity says; 32 for MatMulNBits)',
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
