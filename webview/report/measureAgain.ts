import type { StudyKind } from '../../src/engine/analysis/study';
import type { Channel } from '../shared/channel';
import { element, fill } from '../shared/element';
import { resumeButton, studyButton } from './studies';
import type { Shown } from './section';

export interface MeasureAgain {
  readonly root: HTMLElement;
  update(shown: Shown): void;
}

/** The controls of a study's panel that measure it anew, and go on with a run that was cut short; not there where nothing can be measured. */
export function measureAgain(channel: Channel, kind: StudyKind, title: string): MeasureAgain {
  const resume = resumeButton(channel, kind, title);
  const control = studyButton(channel, kind, 'Measure Again', title);
  const root = element('span', { class: 'measure-again' });
  return {
    root,
    update({ state }) {
      root.hidden = !channel.hasHost || !state.canAnalyze || state.phase !== 'done';
      const canResume = state.resumable?.includes(kind) ?? false;
      fill(root, canResume, () => [canResume ? resume.root : undefined, control.root]);
      control.enable(state.study === undefined);
    },
  };
}
