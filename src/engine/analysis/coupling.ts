import { matrixOperator } from '../curvature/products';
import { CurvatureError } from '../errors';
import { type BlockNorms, blockNorms, type BlockNormsProgress, type Mean } from '../estimators/blockNorms';
import { type Additivity, COUPLING_VERSION, type CouplingReport, type WithError } from '../report/coupling';
import { interactionSpread } from '../sensitivity/additivity';
import { matrixFingerprint } from './journal';
import { note } from './note';
import { openMatrix, type OpenedMatrix } from './openMatrix';
import type { MatrixHooks } from './hooks';
import type { CouplingOptions } from './matrixOptions';
import { inParts } from './partials';
import { ProgressTracker } from './progress';
import { quantizedLayers } from './quantizedLayers';
import { reportHead } from './reportHead';
import { secondsSince } from './run';
import { TimeBudget } from '../util/timeBudget';

/** Of the sum of the layers' own parts: below the first, interactions don't matter; above the second, the sum says little. */
const NEGLIGIBLE = 0.1;
const LARGE = 0.5;

/**
 * The Frobenius norms of all blocks of a curvature matrix, by layers, and whether what the layers cost alone may be added up.
 * Layers are the weights that can be quantized, or what `layers` names.
 *
 * When it is cancelled or fails, what was found goes to `onPartial` before the error is thrown.
 * @throws CurvatureError
 */
export async function coupling(
  options: CouplingOptions,
  hooks: MatrixHooks<CouplingReport> = {},
): Promise<CouplingReport> {
  const progress = new ProgressTracker(p => hooks.onProgress?.(p));
  progress.plan([
    { stage: 'load', cost: 1 },
    { stage: 'blocks', cost: 10 },
  ]);
  progress.begin('load', 'Reading the model');
  const started = performance.now();
  const { journal } = hooks;
  const time = options.seconds === undefined ? undefined : new TimeBudget(options.seconds, hooks.now);
  const opened = await openMatrix(
    { ...options, batch: options.batch ?? journal?.settled?.batch },
    size => 3 * 8 * size,
    (p, { layers }) => options.layers !== undefined || layers.some(l => l.initializer === p.name),
  );
  const { ready, parameters } = opened;
  if (parameters.length < 2)
    throw new CurvatureError(
      'option-invalid',
      `Coupling is between layers; ${parameters.length} is chosen.`,
      'Choose two at least with --layer.',
    );
  journal?.begin(matrixFingerprint('coupling', opened, options));
  let end = 0;
  const blocks = parameters.map(({ size }) => ({ start: (end += size) - size, size }));
  const operator = await matrixOperator(options.matrix, ready.problem, parameters, hooks.signal);
  progress.begin('blocks', 'Norms of blocks');
  let found: (BlockNormsProgress & { norms: BlockNorms }) | undefined;
  const report = (complete: boolean): CouplingReport | undefined =>
    found && reportOf(opened, options, found, { complete, total: secondsSince(started) });
  try {
    const { probes, seed } = options;
    const search = { probes, seed, timeSpent: time?.share(1), keeper: journal, signal: hooks.signal };
    await inParts(
      hooks.onPartial,
      () => report(false),
      async foundMore => {
        for await (const step of blockNorms(operator, blocks, search)) {
          const { products, maxProducts, norms } = step;
          if (norms) found = { ...step, norms };
          progress.step(
            'blocks',
            `Norms of blocks: product ${products} of ${maxProducts}`,
            products / maxProducts,
          );
          foundMore();
        }
      },
    );
  } finally {
    await operator.dispose();
  }
  return report(true)!;
}

function reportOf(
  opened: OpenedMatrix,
  options: CouplingOptions,
  {
    probes,
    norms: { squares, traces, shareOutside },
  }: { readonly probes: number; readonly norms: BlockNorms },
  { complete, total }: { readonly complete: boolean; readonly total: number },
): CouplingReport {
  const { model, ready, parameters } = opened;
  const { problem } = ready;
  const isCut = probes < options.probes;
  const shown = new Map(model.layers.map(l => [l.initializer, l.name]));
  return {
    format: 'curvature-coupling',
    version: COUPLING_VERSION,
    ...reportHead(opened, complete),
    settings: {
      loss: problem.loss.kind,
      matrix: options.matrix,
      probes: options.probes,
      ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
      seed: options.seed,
      batch: problem.batch,
      executionProvider: options.executionProvider,
    },
    ...(isCut ? { probes } : {}),
    layers: parameters.map(({ name, size }) => ({ name: shown.get(name) ?? name, parameters: size })),
    norms: squares.map(row => row.map(rootOf)),
    traces: traces.map(({ mean, stderr }) => ({ estimate: mean, stderr })),
    shareOutside: { estimate: shareOutside.mean, stderr: shareOutside.stderr },
    additivity: additivityOf(
      squares.map(row => row.map(({ mean }) => mean)),
      traces.map(({ mean }) => mean),
      meanSquareErrors(model, parameters, options),
      options.bits,
    ),
    diagnostics: [
      ...ready.diagnostics,
      ...(isCut && complete
        ? [
            note(
              'time-up',
              `The time was up after ${probes} of ${options.probes} random vectors on each layer.`,
            ),
          ]
        : []),
    ],
    timings: { total },
  };
}

/** The root of an estimate, its error to first order. */
function rootOf({ mean, stderr }: Mean): WithError {
  const estimate = Math.sqrt(mean);
  return { estimate, stderr: stderr === 0 ? 0 : stderr / (2 * estimate) };
}

/** The mean squared rounding error of each layer's weights; undefined where one of them can't be quantized. */
function meanSquareErrors(
  model: OpenedMatrix['model'],
  parameters: OpenedMatrix['parameters'],
  { bits, granularity }: CouplingOptions,
): number[] | undefined {
  const quantized = quantizedLayers(model, granularity);
  const errors = parameters.map(({ name, size }) => {
    const layer = model.layers.find(l => l.initializer === name);
    return layer && quantized.squaredErrorAt(layer, bits) / size;
  });
  return errors.every(e => e !== undefined) ? errors : undefined;
}

function additivityOf(
  squares: readonly (readonly number[])[],
  traces: readonly number[],
  meanSquares: readonly number[] | undefined,
  bits: number,
): Additivity {
  const spread = interactionSpread(squares, traces, meanSquares ?? traces.map(() => 1));
  const verdict = spread <= NEGLIGIBLE ? 'additive' : spread <= LARGE ? 'roughly-additive' : 'not-additive';
  const says = {
    additive: 'Sensitivities of the layers may be added',
    'roughly-additive': 'Sensitivities of the layers may be added, roughly',
    'not-additive': 'Sensitivities of the layers should not be added',
  }[verdict];
  const errors = meanSquares ? `errors of rounding to ${bits} bits` : 'errors of one size in all weights';
  return {
    bits: meanSquares ? bits : null,
    spread,
    verdict,
    message: `${says}: for ${errors} with random signs, what layers cost through each other is ±${Number((100 * spread).toPrecision(2))} % of the sum of what they cost alone (one standard deviation).`,
  };
}
