import { element, icon, setText } from '../shared/element';

export interface Unfinished {
  readonly root: HTMLElement;
  update(study: { readonly complete?: boolean }, isRunning: boolean): void;
}

/** Says of a study that its numbers are those of a run that is under way, or that was stopped. */
export function unfinished(): Unfinished {
  const text = element('span');
  const root = element('p', { class: 'notice', 'data-severity': 'warning' }, icon('info'), text);
  return {
    root,
    update({ complete }, isRunning) {
      root.hidden = complete !== false;
      setText(
        text,
        isRunning
          ? 'Being measured: this is what there is so far.'
          : 'The run stopped before it was through: this is what it had.',
      );
    },
  };
}
