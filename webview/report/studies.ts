import type { StudyKind } from '../../src/engine/analysis/study';
import type { Report } from '../../src/engine/report/schema';
import type { Studies } from '../../src/engine/report/studies';
import type { ViewState } from '../../src/protocol/view';
import type { Channel } from '../shared/channel';
import { button } from '../shared/controls';
import { element, fill, icon, setText } from '../shared/element';
import { panel, type Section } from './section';

interface Offer {
  readonly kind: StudyKind | 'activations';
  readonly title: string;
  /** The question that it answers. */
  readonly question: string;
  readonly isThere: (studies: Studies, report: Report) => boolean;
}

const offers: readonly Offer[] = [
  {
    kind: 'activations',
    title: 'Activations',
    question: 'How many bits do the values between the layers need? Analyses the model again, with them.',
    isThere: (_, { activations }) => activations !== undefined,
  },
  {
    kind: 'spectrum',
    title: 'Spectrum',
    question: 'How is the curvature spread over all directions: how many are steep, flat, or bent downwards?',
    // A trace alone is not shown.
    isThere: ({ spectra }) => spectra?.some(({ density }) => density) ?? false,
  },
  {
    kind: 'stability',
    title: 'Stability of training',
    question: 'Which learning rates, batch sizes and momentum are stable at these weights?',
    isThere: ({ stability }) => stability !== undefined,
  },
  {
    kind: 'coupling',
    title: 'Coupling of layers',
    question: 'Do layers share curvature, or may their sensitivities be added up?',
    isThere: ({ coupling }) => coupling !== undefined,
  },
  {
    kind: 'trust',
    title: 'Trust in the second-order model',
    question: 'At which widths does the loss really change as the curvature foretells?',
    isThere: ({ trust }) => trust !== undefined,
  },
];

/** A button that measures something, or measures it again. */
export const studyButton = (channel: Channel, kind: Offer['kind'], label: string, title: string) =>
  button({
    label,
    icon: label === 'Measure' ? 'play' : 'refresh',
    description: `${label}: ${title}`,
    onPress: () =>
      channel.post(kind === 'activations' ? { type: 'measureActivations' } : { type: 'study', kind }),
  });

/** A button that goes on with a measurement that was cut short. */
export const resumeButton = (channel: Channel, kind: StudyKind, title: string) =>
  button({
    label: 'Resume',
    icon: 'debug-continue',
    primary: true,
    description: `Resume: ${title}, go on with what is kept, to the numbers of a run that was not cut short`,
    onPress: () => channel.post({ type: 'study', kind, choice: { resume: true } }),
  });

/** What can be measured beside the layers' sensitivities and has not been, and the bar of what is being measured. */
export function studies(channel: Channel): Section {
  const list = element('ul', { class: 'offers' });
  const root = panel('More to measure', 'studies');
  // The head of the page announces it; here it stands beside what was asked for.
  const notice = element('div', { class: 'notice', 'data-severity': 'error' });
  root.append(notice, list);
  const fraction = element('span');
  const message = element('span', { class: 'progress-message' });
  const bar = element(
    'div',
    { class: 'bar', role: 'progressbar', 'aria-valuemin': '0', 'aria-valuemax': '100' },
    fraction,
  );
  const cancel = button({
    label: 'Cancel',
    icon: 'debug-stop',
    description: 'Cancel the measurement',
    onPress: () => channel.post({ type: 'cancel' }),
  });
  const progress = element('div', { class: 'progress' }, bar, element('p', {}, message, cancel.root));

  function show({ study }: ViewState): void {
    const percent = Math.round(100 * (study?.progress?.fraction ?? 0));
    fraction.style.width = `${percent}%`;
    bar.setAttribute('aria-label', titleOf(study?.kind));
    bar.setAttribute('aria-valuenow', String(percent));
    const said = study?.progress?.message ?? 'Starting…';
    bar.setAttribute('aria-valuetext', `${percent} %, ${said}`);
    setText(message, said);
  }

  return {
    root,
    update({ state, measured }) {
      const running = state.study?.kind;
      const resumable = state.resumable ?? [];
      const open = offers.filter(
        ({ kind, isThere }) => kind === running || (measured && !isThere(measured.studies ?? {}, measured)),
      );
      const isOffered = channel.hasHost && state.canAnalyze && state.phase === 'done';
      root.hidden = !isOffered || open.length === 0;
      if (root.hidden) return;
      show(state);
      notice.hidden = !state.error;
      fill(notice, state.error, () => [
        icon('error'),
        [state.error?.message, state.error?.hint].filter(Boolean).join(' '),
      ]);
      fill(list, [open.map(({ kind }) => kind), running, resumable], () =>
        open.map(({ kind, title, question }) => {
          const kept = resumable.find(one => one === kind);
          const control = kept
            ? resumeButton(channel, kept, title)
            : studyButton(channel, kind, 'Measure', title);
          control.enable(running === undefined);
          return element(
            'li',
            {},
            element('div', {}, element('h3', {}, title), element('p', {}, question)),
            kind === running ? progress : control.root,
          );
        }),
      );
    },
  };
}

const titleOf = (running: StudyKind | undefined): string =>
  offers.find(({ kind }) => kind === running)?.title ?? '';
