export type Child = Node | string | undefined;

/** Makes an element. Text goes in as text nodes only, so names from a model can never become markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter(child => child !== undefined));
  return made;
}

/** A codicon; it repeats what the text beside it says and is hidden from screen readers. */
export const icon = (name: string): HTMLElement =>
  element('span', { class: `codicon codicon-${name}`, 'aria-hidden': 'true' });

/** Text that only screen readers meet. */
export const spoken = (text: string): HTMLElement => element('span', { class: 'spoken' }, text);

export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

const shownIn = new WeakMap<Element, string>();

/** Rebuilds an element's children only when what they show has changed, so that focus and selection survive. */
export function fill(parent: Element, shown: unknown, build: () => readonly Child[]): void {
  const key = JSON.stringify(shown) ?? '';
  if (shownIn.get(parent) === key) return;
  shownIn.set(parent, key);
  parent.replaceChildren(...build().filter(child => child !== undefined));
}

/** A name of values or files as code, whose lines end after what parts it. */
export const breakableCode = (name: string): HTMLElement =>
  element(
    'code',
    {},
    ...name.split(/(?<=[/_.-])/).flatMap((part, i) => (i ? [element('wbr'), part] : [part])),
  );
