import { RunningMoments } from '../util/statistics';

/** A number measured on data, with the noise of these data. */
export interface Measured {
  readonly value: number;
  /** Of the sum of the samples' shares, as if the samples were drawn anew; absent for one sample, which tells of no noise. */
  readonly stderr?: number;
}

/** The sum of the samples' shares in a mean, such as a mean loss. */
export function measured(shares: Float64Array): Measured {
  const moments = new RunningMoments();
  for (const share of shares) moments.add(share);
  const { count, mean, stderr } = moments;
  return { value: mean * count, ...(count < 2 ? {} : { stderr: stderr * count }) };
}

/** By how much a mean changes, sample by sample, so that what is hard in both cancels. */
export const pairedDifference = (changed: Float64Array, unchanged: Float64Array): Measured =>
  measured(changed.map((share, i) => share - unchanged[i]));
