import { element, fill } from '../shared/element';
import type { Section } from './section';

/** A section as the list of contents names it. */
export interface Chapter {
  /** Of its root, for links. */
  readonly id: string;
  readonly label: string;
  readonly section: Section;
  /** Where it can be folded away. */
  readonly unfold?: () => void;
}

export interface Contents {
  readonly root: HTMLElement;
  /** Lists the sections that are shown; called once they are up to date. */
  update(): void;
  /** Brings a section to the top of the window and moves the focus there. */
  goTo(id: string): void;
}

/** Fewer need no list. */
const FEWEST = 3;
/** A section is in view from this many pixels below the list on. */
const MARGIN = 24;

/** Links to the sections that are there, on one line that stays in view and marks the one being read. */
export function contents(chapters: readonly Chapter[]): Contents {
  const list = element('ul');
  const root = element('nav', { class: 'contents', 'aria-label': 'Sections' }, list);
  const links = new Map(chapters.map(chapter => [chapter, linkTo(chapter)]));
  for (const { id, section } of chapters) section.root.id = id;
  /** What was gone to last, and where: two sections side by side are at the same place, and the last may not reach the top. */
  let gone: { readonly chapter: Chapter; readonly top: number } | undefined;
  let frame = 0;

  function linkTo(chapter: Chapter): HTMLAnchorElement {
    const link = element('a', { href: `#${chapter.id}` }, chapter.label);
    // The jump itself is left to the browser as well: a saved page has its history.
    link.addEventListener('click', () => goTo(chapter));
    return link;
  }

  function goTo(chapter: Chapter): void {
    chapter.unfold?.();
    const { root: target } = chapter.section;
    target.scrollIntoView();
    target.tabIndex = -1;
    target.addEventListener('blur', () => target.removeAttribute('tabindex'), { once: true });
    target.focus({ preventScroll: true });
    gone = { chapter, top: window.scrollY };
    mark();
  }

  const shown = (): Chapter[] => chapters.filter(({ section }) => !section.root.hidden);

  function reading(): Chapter | undefined {
    const all = shown();
    if (gone && Math.abs(window.scrollY - gone.top) <= 1 && all.includes(gone.chapter)) return gone.chapter;
    gone = undefined;
    const { scrollHeight } = document.documentElement;
    const isAtEnd = window.scrollY > 0 && window.scrollY + window.innerHeight >= scrollHeight - 1;
    const line = root.getBoundingClientRect().bottom + MARGIN;
    const isBelow = ({ section }: Chapter) => section.root.getBoundingClientRect().bottom > line;
    return (isAtEnd ? undefined : all.find(isBelow)) ?? all.at(-1);
  }

  function mark(): void {
    const current = reading();
    for (const [chapter, link] of links) {
      if (chapter !== current) link.removeAttribute('aria-current');
      else if (!link.hasAttribute('aria-current')) {
        link.setAttribute('aria-current', 'location');
        list.scrollLeft = link.offsetLeft + link.offsetWidth / 2 - list.clientWidth / 2;
      }
    }
    showMore();
  }

  /** On which sides there is more than fits. */
  function showMore(): void {
    list.classList.toggle('more-before', list.scrollLeft > 1);
    list.classList.toggle('more-behind', list.scrollLeft + list.clientWidth < list.scrollWidth - 1);
  }

  function soon(): void {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(mark);
  }

  window.addEventListener('scroll', soon, { passive: true });
  list.addEventListener('scroll', showMore, { passive: true });
  new ResizeObserver(soon).observe(document.body);

  return {
    root,
    update() {
      const all = shown();
      root.hidden = all.length < FEWEST;
      fill(
        list,
        all.map(({ id }) => id),
        () => all.map(chapter => element('li', {}, links.get(chapter))),
      );
      soon();
    },
    goTo(id) {
      const chapter = shown().find(one => one.id === id);
      if (chapter) goTo(chapter);
    },
  };
}
