import type { CompareState, FromCompareView } from '../../src/protocol/compareView';
import type { Channel } from '../shared/channel';
import type { Theme } from '../shared/theme';

export type CompareChannel = Omit<Channel<FromCompareView>, 'select' | 'onSelect'>;

/** A part of the page: made once, then brought up to date in place. */
export interface Part {
  readonly root: HTMLElement;
  update(state: CompareState, theme: Theme): void;
}
