import { element, fill, icon, setText } from '../shared/element';
import { formatPercent, formatSeconds } from '../shared/format';
import type { Section } from './section';

/** The bar of a running analysis, and the message of one that failed or was cancelled. */
export function progress(): Section {
  const fraction = element('span');
  const bar = element(
    'div',
    {
      class: 'bar',
      role: 'progressbar',
      'aria-label': 'Analysis',
      'aria-valuemin': '0',
      'aria-valuemax': '100',
    },
    fraction,
  );
  const message = element('span', { class: 'progress-message' });
  const details = element('span', { class: 'progress-details' });
  const running = element('div', { class: 'progress' }, bar, element('p', {}, message, details));
  const notice = element('div', { class: 'notice', role: 'alert' });
  const root = element('div', { class: 'run' }, running, notice);
  return {
    root,
    update({ state }) {
      const now = state.progress;
      running.hidden = state.phase !== 'running';
      const percent = Math.round(100 * (now?.fraction ?? 0));
      fraction.style.width = `${percent}%`;
      bar.setAttribute('aria-valuenow', String(percent));
      bar.setAttribute('aria-valuetext', now ? `${percent} %, ${now.message}` : 'Starting');
      setText(message, now?.message ?? 'Starting…');
      const goal = state.report ? ` (goal ${formatPercent(state.report.settings.rtol)})` : '';
      const parts = [
        now?.relativeError === undefined ? '' : `relative error ${formatPercent(now.relativeError)}${goal}`,
        now?.etaSeconds === undefined ? '' : `about ${formatSeconds(Math.ceil(now.etaSeconds))} left`,
      ];
      setText(details, parts.filter(Boolean).join('  ·  '));

      const stopped =
        state.error ??
        (state.phase === 'failed' || state.phase === 'cancelled' ? state.report?.stopped : undefined);
      const shown =
        state.phase === 'failed'
          ? (stopped ?? { message: 'The engine gave no reason.' })
          : state.phase === 'cancelled' && state.report
            ? {
                message: `Partial results are kept: layers measured so far keep their figures.${state.canResume ? ' Resume goes on from there.' : ''}`,
              }
            : state.error;
      notice.hidden = !shown;
      notice.dataset.severity = state.phase === 'cancelled' ? 'info' : 'error';
      fill(notice, shown, () =>
        shown
          ? [
              icon(state.phase === 'cancelled' ? 'info' : 'error'),
              element(
                'div',
                {},
                element('p', {}, shown.message),
                'hint' in shown && shown.hint ? element('p', { class: 'hint' }, shown.hint) : undefined,
              ),
            ]
          : [],
      );
    },
  };
}
