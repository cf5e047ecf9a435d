import { FLOAT32 } from '../../src/engine/analysis/reportProblem';
import { hasOneScale } from '../../src/engine/report/granularity';
import type { LayerReport } from '../../src/engine/report/schema';
import type { Choices } from '../shared/channel';
import { element, fill, icon } from '../shared/element';
import { bitChip } from './bitChip';
import { pinned, tiedTo, untied } from './decisions';
import type { Planner } from './planner';

/** The letter of the layer's tie, in the order in which ties were made; undefined without one. */
export function tieLetter({ ties }: Choices, name: string): string | undefined {
  const index = ties.findIndex(tie => tie.includes(name));
  return index < 0 ? undefined : index < 26 ? String.fromCharCode(65 + index) : String(index + 1);
}

const AUTO = 'auto';

function makeSelect(layer: LayerReport, plans: Planner): HTMLSelectElement {
  const widths = Object.keys(layer.sensitivity)
    .map(Number)
    .sort((a, b) => a - b);
  const option = (value: string, label: string): HTMLElement => element('option', { value }, label);
  const select = element(
    'select',
    { 'aria-label': `Width of ${layer.name}` },
    option(AUTO, 'auto'),
    ...widths.map(bits => option(String(bits), `${bits} bit`)),
    option(String(FLOAT32), 'float 32'),
  );
  select.addEventListener('change', () => {
    const bits = select.value === AUTO ? null : Number(select.value);
    plans.decide(choices => pinned(choices, layer.name, bits));
  });
  return select;
}

function makeTie(choices: Choices, letter: string, { name }: LayerReport, plans: Planner): HTMLElement {
  const others = tiedTo(choices, name).filter(member => member !== name);
  const title = `Tied with ${others.join(', ')}. Press to untie ${name}.`;
  const made = element(
    'button',
    { type: 'button', class: 'tie', title, 'aria-label': `Untie ${name} from tie ${letter}` },
    letter,
    icon('close'),
  );
  made.addEventListener('click', () => plans.decide(now => untied(now, name)));
  return made;
}

/**
 * Brings a cell with a layer's width, pin and tie up to date; the select stays the same element, so that it keeps the focus.
 * @param doubt what speaks against the sensitivity by which the width was chosen
 */
export function drawWidth(
  cell: HTMLElement,
  layer: LayerReport,
  choices: Choices,
  plans: Planner,
  doubt: string | undefined,
): void {
  let select = cell.querySelector('select');
  if (!select) {
    select = makeSelect(layer, plans);
    const face = element('span', { class: 'width-face' });
    cell.replaceChildren(
      element('span', { class: 'width' }, face, select),
      element('span', { class: 'tie-place' }),
    );
  }
  const pin = choices.pins[layer.name];
  const value = pin === undefined ? AUTO : String(pin);
  if (select.value !== value) select.value = value;
  const said = [
    pin === undefined ? 'Chosen by the budget; pick one to pin it' : 'Pinned',
    ...(hasOneScale(layer, layer.bits) ? ['One scale for all weights'] : []),
    ...(doubt ? [doubt] : []),
  ];
  select.title = said.join('. ');
  const [width, place] = cell.children;
  width?.classList.toggle('pinned', pin !== undefined);
  const face = width?.firstElementChild;
  if (face) {
    fill(face, [layer.bits, pin, doubt !== undefined], () => [
      bitChip(layer.bits, icon(pin === undefined ? 'chevron-down' : 'pinned')),
      doubt ? element('span', { class: 'doubt' }, icon('warning')) : undefined,
    ]);
  }
  const letter = tieLetter(choices, layer.name);
  if (place) {
    fill(place, letter && [letter, tiedTo(choices, layer.name)], () =>
      letter ? [makeTie(choices, letter, layer, plans)] : [],
    );
  }
}
