import type { Progress } from '../engine/analysis/hooks';
import { formatDuration, formatPercent } from './text/format';

/** `GGN traces: draw 3 of at most 64 · error 12 % · 8 s left` */
export const progressText = ({ message, relativeError, etaSeconds }: Progress): string =>
  [
    message,
    ...(relativeError === undefined
      ? []
      : [`error ${relativeError > 1 ? 'above 100 %' : formatPercent(relativeError)}`]),
    ...(etaSeconds === undefined ? [] : [`${formatDuration(etaSeconds)} left`]),
  ].join(' · ');
