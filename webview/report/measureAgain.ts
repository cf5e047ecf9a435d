import type { StudyKind } from '../../src/engine/analysis/study';
import type { Channel } from '../shared/channel';
import { studyButton } from './studies';
import type { Shown } from './section';

export interface MeasureAgain {
  readonly root: HTMLElement;
  update(shown: Shown): void;
}

/** The control of a study's panel that measures it anew; not there where nothing can be measured. */
export function measureAgain(channel: Channel, kind: StudyKind, title: string): MeasureAgain {
  const control = studyButton(channel, kind, 'Measure Again', title);
  return {
    root: control.root,
    update({ state }) {
      control.root.hidden = !channel.hasHost || !state.canAnalyze || state.phase !== 'done';
      control.enable(state.study === undefined);
    },
  };
}
