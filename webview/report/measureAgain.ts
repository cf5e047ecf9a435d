import type { StudyKind } from '../../src/engine/analysis/study';
import type { Channel } from '../shared/channel';
import { element } from '../shared/element';
import { resumeButton, studyButton } from './studies';
import type { Shown } from './section';

export interface MeasureAgain {
  readonly root: HTMLElement;
  update(shown: Shown): void;
}

/** The controls of a study's panel that go on with it, where a run was cut short, and measure it anew; not there where nothing can be measured. */
export function measureAgain(channel: Channel, kind: StudyKind, title: string): MeasureAgain {
  const resume = resumeOf(channel, kind, title);
  const control = studyButton(channel, kind, 'Measure Again', title);
  const root = element('span', { class: 'measure-again' }, resume.root, control.root);
  return {
    root,
    update(shown) {
      const { state } = shown;
      root.hidden = !channel.hasHost || !state.canAnalyze || state.phase !== 'done';
      resume.update(shown);
      control.enable(state.study === undefined);
    },
  };
}

/** The control that goes on with a study; there only where a run was cut short. */
export function resumeOf(channel: Channel, kind: StudyKind, title: string): MeasureAgain {
  const control = resumeButton(channel, kind, title);
  return {
    root: control.root,
    update({ state }) {
      control.root.hidden = !channel.hasHost || !(state.resumable ?? []).includes(kind);
    },
  };
}
