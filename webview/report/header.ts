import type { FromView, ViewState } from '../../src/protocol/view';
import type { Channel } from '../shared/channel';
import { button, type ButtonOptions } from '../shared/controls';
import { element, fill, icon, setText } from '../shared/element';
import type { Section } from './section';
import { verdict } from './verdict';

const phases: Record<ViewState['phase'], { readonly label: string; readonly icon: string }> = {
  idle: { label: 'Not analysed', icon: 'circle-large-outline' },
  running: { label: 'Running', icon: 'sync' },
  done: { label: 'Done', icon: 'pass-filled' },
  cancelled: { label: 'Cancelled', icon: 'circle-slash' },
  failed: { label: 'Failed', icon: 'error' },
};

type Action = Omit<ButtonOptions, 'onPress'> & { readonly message: FromView };

const analyze: Action = { label: 'Analyze', icon: 'play', primary: true, message: { type: 'analyze' } };
const again: Action = { ...analyze, label: 'Analyze Again', icon: 'refresh', primary: false };
const cancel: Action = { label: 'Cancel', icon: 'debug-stop', message: { type: 'cancel' } };
const resume: Action = {
  label: 'Resume',
  icon: 'debug-continue',
  primary: true,
  description: 'Resume: go on with the probes that are kept, to the numbers of a run that was not cut short',
  message: { type: 'resume' },
};
const retry: Action = { label: 'Retry', icon: 'refresh', primary: true, message: { type: 'retry' } };
const chooseData: Action = { label: 'Choose Data…', icon: 'database', message: { type: 'chooseData' } };

const compare: Action = {
  label: 'Compare with…',
  icon: 'git-compare',
  description: 'Compare with another report',
  message: { type: 'compare' },
};

const save = (['json', 'html', 'csv'] as const).map((format): Action => ({
  label: format.toUpperCase(),
  description: `Save as ${format.toUpperCase()}`,
  message: { type: 'saveReport', format },
}));

function actions(state: ViewState): Action[] {
  const saves = state.report ? [compare, ...save] : [];
  if (!state.canAnalyze) return saves;
  if (state.study) return [cancel];
  const begin = (action: Action): Action[] =>
    state.canResume ? [resume, { ...action, primary: false }] : [action];
  switch (state.phase) {
    case 'idle':
      return [...begin(analyze), chooseData, ...saves];
    case 'running':
      return [cancel];
    case 'done':
      return [...begin(again), chooseData, ...saves];
    case 'cancelled':
    case 'failed':
      return [...begin(retry), chooseData, ...saves];
  }
}

/** The model's name, the phase, what can be done, and the verdict. */
export function header(channel: Channel): Section {
  const name = element('h1');
  const phase = element('span', { class: 'phase', role: 'status' });
  const toolbar = element('div', { class: 'actions' });
  const sentence = element('p', { class: 'verdict' });
  const root = element(
    'header',
    { class: 'page-head' },
    element('div', { class: 'title-row' }, icon('graph-line'), name, phase, toolbar),
    sentence,
  );
  return {
    root,
    update({ state, plan }) {
      setText(name, state.modelName);
      const { label, icon: phaseIcon } = phases[state.phase];
      phase.dataset.phase = state.phase;
      fill(phase, state.phase, () => [icon(phaseIcon), label]);
      const offered = channel.hasHost ? actions(state) : [];
      fill(toolbar, offered, () => {
        const made = offered.map(
          ({ message, ...options }) => button({ ...options, onPress: () => channel.post(message) }).root,
        );
        const saves = made.filter((_, index) => offered[index]?.message.type === 'saveReport');
        const label = element('span', { class: 'actions-label' }, 'Save as');
        return [
          ...made.filter(one => !saves.includes(one)),
          saves.length ? element('span', { class: 'actions-group' }, label, ...saves) : undefined,
        ];
      });
      const said = verdict(state, plan?.isOwn);
      fill(sentence, said, () =>
        said.map(phrase => (typeof phrase === 'string' ? phrase : element('code', {}, phrase.layer))),
      );
    },
  };
}
