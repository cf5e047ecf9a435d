import type { Report } from '../../src/engine/report/schema';
import type { ViewState } from '../../src/protocol/view';
import type { Channel } from '../shared/channel';
import { type Child, element } from '../shared/element';
import type { Theme } from '../shared/theme';
import type { Plan } from './plan';

/** What every part of the page is given to show. */
export interface Shown {
  /** Its report is as if it had suggested the plan's widths. */
  readonly state: ViewState;
  /** The report as it is. */
  readonly measured: Report | undefined;
  /** How the widths shown came about; undefined where there are none. */
  readonly plan: Plan | undefined;
  /** How often each layer keeps its width; undefined while unknown. */
  readonly kept: readonly number[] | undefined;
  readonly theme: Theme;
}

/** A part of the page: made once, then brought up to date in place. */
export interface Section {
  readonly root: HTMLElement;
  update(shown: Shown): void;
}

export type MakeSection = (channel: Channel) => Section;

let headings = 0;

/** A named landmark under its own heading, with room for controls beside it. */
export function panel(title: string, className: string, ...controls: readonly Child[]): HTMLElement {
  const id = `heading-${++headings}`;
  return element(
    'section',
    { class: `panel ${className}`, 'aria-labelledby': id },
    element(
      'div',
      { class: 'panel-head' },
      element('h2', { id }, title),
      controls.length ? element('div', { class: 'panel-controls' }, ...controls) : undefined,
    ),
  );
}
