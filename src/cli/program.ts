import { Command, CommanderError } from 'commander';
import { version } from '../../package.json';
import { addBitsCommands } from './bitsCommands';
import { exitCodeOf, printError } from './errors';
import { addMatrixCommands } from './matrixCommands';
import { addModelCommands } from './modelCommands';

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
    .addHelpText(
      'after',
      "\nExit codes: 0 done, 1 the run failed, 2 bad usage or bad input, 3 budgets that can't be met (allocate, quantize), 130 interrupted.",
    )
    .showHelpAfterError('(--help explains all options)');
  // The engine, with ONNX Runtime's native part, is loaded only when there is something to run.
  const exit = (value: number): void => void (code = value);
  addModelCommands(program, exit);
  addBitsCommands(program, exit);
  addMatrixCommands(program, exit);
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
