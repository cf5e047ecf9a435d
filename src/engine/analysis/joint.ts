import { type Changes, jointSearch, type Tried } from '../allocation/jointSearch';
import { onSamples } from '../curvature/problem';
import { referenceLogits, scorer } from '../curvature/scores';
import type { Joint } from '../report/schema';
import { measured } from '../sensitivity/sampleMean';
import { labelledSamples } from './drawBatch';
import { sumsOf } from './jointSums';
import { hasSensitivity, problemOf } from './reportProblem';
import type { Run } from './run';
import { buildReport } from './state';

/** More samples would cost more than they would decide. */
const MOST_SAMPLES = 256;

/** What running a whole choice tells. The tempered divergences decide, where there are any. */
interface Ran extends Changes {
  readonly divergences: Float64Array;
  readonly tempered?: Float64Array;
}

/** Runs whole choices around those of least sum on the data of the analysis, and keeps the one that changes the outputs least. */
export async function chooseJointly(run: Run): Promise<void> {
  const { state, signal, progress } = run;
  const { options, setUp, model, quantized } = state;
  const report = buildReport(state, false);
  if (!report.budget?.feasible) return;
  const taking = report.layers.filter(hasSensitivity);
  const entries = problemOf(taking);
  const layers = taking.map(({ initializer }) => model.layers.find(l => l.initializer === initializer)!);
  const problem = onSamples(setUp.problem, spread(labelledSamples(setUp.problem), MOST_SAMPLES));
  const widthOf = (picks: readonly number[], l: number): number => entries.layers[l].choices[picks[l]].bits;
  const { bytes } = report.budget;
  const reference = await referenceLogits(problem, signal);
  const { score, dispose } = await scorer(problem, layers, reference, signal, true);
  try {
    let runs = 0;
    const changes = async (picks: readonly number[]): Promise<Ran> => {
      const weights = layers.map(
        (layer, l) => [layer.initializer, quantized.weightAt(layer, widthOf(picks, l))] as const,
      );
      const { divergences, tempered } = await score(new Map(weights));
      runs++;
      const message = `Choosing bits: ${runs} of at most ${options.jointRuns} whole choices run`;
      progress.step('allocation', message, runs / options.jointRuns);
      return { changes: tempered ?? divergences, divergences, ...(tempered ? { tempered } : {}) };
    };
    const sums = sumsOf(model, taking, layers, entries, bytes);
    const found = await jointSearch(sums, bytes, options.jointRuns, changes);
    state.joint = {
      bits: new Map(taking.map(({ name }, l) => [name, widthOf(found.best.picks, l)])),
      found: { runs: found.runs, samples: problem.dataset.samples, ...told(found.best) },
      bySum: told(found.start),
    };
  } finally {
    await dispose();
  }
}

const told = ({ divergences, tempered }: Tried<Ran>): Pick<Joint, 'divergence' | 'tempered'> => ({
  divergence: measured(divergences),
  ...(tempered ? { tempered: measured(tempered) } : {}),
});

/** At most so many, evenly spaced: files are often sorted by class. */
const spread = (places: readonly number[], most: number): number[] =>
  places.length <= most
    ? [...places]
    : Array.from({ length: most }, (_, i) => places[Math.floor((i * places.length) / most)]);
