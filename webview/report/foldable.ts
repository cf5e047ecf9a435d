import type { Channel } from '../shared/channel';
import { element, icon } from '../shared/element';
import type { Section, Shown } from './section';

export interface Foldable extends Section {
  readonly unfold: () => void;
}

/** A panel that the reader can fold away under its heading; what is folded is kept. @param id what it is kept by */
export function foldable(section: Section, id: string, channel: Channel): Foldable {
  const { root } = section;
  const heading = root.querySelector('h2') ?? root;
  const press = element('button', { type: 'button', class: 'fold' }, icon('chevron-down'));
  press.append(...heading.childNodes);
  heading.replaceChildren(press);
  let shown: Shown | undefined;

  const isFolded = (): boolean => channel.ui.folded.includes(id);

  function draw(): void {
    root.classList.toggle('folded', isFolded());
    press.setAttribute('aria-expanded', String(!isFolded()));
  }

  function set(folded: boolean): void {
    if (folded === isFolded()) return;
    const others = channel.ui.folded.filter(one => one !== id);
    channel.keep({ folded: folded ? [...others, id] : others });
    draw();
    // Pictures take their sizes from the room that they have, and had none.
    if (!folded && shown) section.update(shown);
  }

  press.addEventListener('click', () => set(!isFolded()));
  draw();
  return {
    root,
    update(next) {
      shown = next;
      section.update(next);
    },
    unfold: () => set(false),
  };
}
