import { jointSearch } from '../allocation/jointSearch';
import { onSamples } from '../curvature/problem';
import { referenceLogits, scorer } from '../curvature/scores';
import { measured } from '../sensitivity/sampleMean';
import { labelledSamples } from './drawBatch';
import { hasSensitivity, problemOf } from './reportProblem';
import type { Run } from './run';
import { buildReport } from './state';

/** More samples would cost more than they would decide. */
const MOST_SAMPLES = 256;

/** Runs whole choices around the one of least sum on the data of the analysis, and keeps the one that changes the outputs least. */
export async function chooseJointly(run: Run): Promise<void> {
  const { state, signal, progress } = run;
  const { options, setUp, model, quantized } = state;
  const report = buildReport(state, false);
  if (!report.budget?.feasible) return;
  const taking = report.layers.filter(hasSensitivity);
  const { layers: entries } = problemOf(taking);
  const menus = entries.map(({ choices }) =>
    choices.map(({ sensitivity, costs }) => ({ sensitivity, costs: [costs.bytes] })),
  );
  const start = entries.map(({ choices }, l) => choices.findIndex(({ bits }) => bits === taking[l].bits));
  const layers = taking.map(({ initializer }) => model.layers.find(l => l.initializer === initializer)!);
  const problem = onSamples(setUp.problem, spread(labelledSamples(setUp.problem), MOST_SAMPLES));
  const widthOf = (picks: readonly number[], l: number): number => entries[l].choices[picks[l]].bits;
  const reference = await referenceLogits(problem, signal);
  const { score, dispose } = await scorer(problem, layers, reference, signal);
  try {
    let runs = 0;
    const changes = async (picks: readonly number[]): Promise<Float64Array> => {
      const weights = layers.map(
        (layer, l) => [layer.initializer, quantized.weightAt(layer, widthOf(picks, l))] as const,
      );
      const { divergences } = await score(new Map(weights));
      runs++;
      const message = `Choosing bits: ${runs} of at most ${options.jointRuns} whole choices run`;
      progress.step('allocation', message, runs / options.jointRuns);
      return divergences;
    };
    const found = await jointSearch(menus, start, report.budget.bytes, options.jointRuns, changes);
    state.joint = {
      bits: new Map(taking.map(({ name }, l) => [name, widthOf(found.best.picks, l)])),
      found: {
        runs: found.runs,
        samples: problem.dataset.samples,
        divergence: measured(found.best.changes),
      },
      divergenceBySum: measured(found.start.changes),
    };
  } finally {
    await dispose();
  }
}

/** At most so many, evenly spaced: files are often sorted by class. */
const spread = (places: readonly number[], most: number): number[] =>
  places.length <= most
    ? [...places]
    : Array.from({ length: most }, (_, i) => places[Math.floor((i * places.length) / most)]);
