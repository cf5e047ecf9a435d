import { SingleBar } from 'cli-progress';
import type { Progress } from '../engine/analysis/hooks';

export interface ProgressView {
  update(progress: Progress): void;
  /** Leaves the terminal on a fresh line. */
  stop(): void;
}

/** In a pipe, a line for each change of stage, and then for each so many percent of the analysis. */
const PLAIN_STEP = 10;

/** A bar on a terminal, plain lines elsewhere; both on stderr, so that stdout holds the result alone. */
export function showProgress(stream: NodeJS.WriteStream = process.stderr): ProgressView {
  return stream.isTTY ? bar(stream) : plainLines(stream);
}

function bar(stream: NodeJS.WriteStream): ProgressView {
  const single = new SingleBar({
    format: '{bar} {share}%  {text}',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    stream,
  });
  let isStarted = false;
  return {
    update(progress) {
      const payload = { share: Math.round(progress.fraction * 100), text: describeProgress(progress) };
      if (isStarted) single.update(progress.fraction, payload);
      else single.start(1, progress.fraction, payload);
      isStarted = true;
    },
    stop: () => single.stop(),
  };
}

function plainLines(stream: NodeJS.WritableStream): ProgressView {
  let stage = '';
  let next = 0;
  return {
    update(progress) {
      const percent = Math.round(progress.fraction * 100);
      if (progress.stage === stage && percent < next) return;
      stage = progress.stage;
      next = percent + PLAIN_STEP;
      stream.write(`${String(percent).padStart(3)}%  ${describeProgress(progress)}\n`);
    },
    stop() {},
  };
}

/** The message with the error reached so far and the time that is left. */
export function describeProgress({ message, relativeError, etaSeconds }: Progress): string {
  const parts = [message];
  // Before the second probe there is no error to speak of.
  if (relativeError !== undefined && relativeError < Infinity) {
    parts.push(`error ${Number((100 * relativeError).toPrecision(2))} %`);
  }
  if (etaSeconds !== undefined) parts.push(`${formatSeconds(etaSeconds)} left`);
  return parts.join(', ');
}

function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
