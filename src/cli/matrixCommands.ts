import { type Command, Option } from 'commander';
import { defaultStabilityOptions } from '../engine/analysis/options';
import { optimizers } from '../engine/training/optimizers';
import { matrixOption, matrixOptions } from './options';
import type { StabilityFlags } from './stability';
import * as read from './values';

/** Commands that answer a question by products with a curvature matrix. @param exit takes the exit code */
export function addMatrixCommands(program: Command, exit: (code: number) => void): void {
  addStability(program, async (model, flags) => {
    const { runStability } = await import('./stability');
    exit(await runStability(model, flags));
  });
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
  for (const option of matrixOptions()) command.addOption(option);
}
