import type { TrustReport, TrustStep } from '../../src/engine/report/trust';
import { type Child, element, fill, spoken } from '../shared/element';
import { gridKeys } from '../shared/gridKeys';
import { bitChip } from './bitChip';
import { trustWidths } from './trustWords';

export interface StepPlace {
  readonly layer: string;
  readonly bits: number;
}

const fractions: Readonly<Record<string, string>> = { '0': 'none', '0.25': '¼', '0.5': '½', '1': 'all' };

/** How far the model holds, as a row of as many boxes as there are points, and in words. */
function reach({ points, radius }: TrustStep): Child[] {
  const boxes = points.map(({ share }) => element('i', share <= radius ? { class: 'held' } : {}));
  return [
    element('span', { class: 'boxes', 'aria-hidden': 'true' }, ...boxes),
    fractions[String(radius)] ?? `${Number((100 * radius).toPrecision(3))} %`,
  ];
}

export interface TrustGrid {
  readonly root: HTMLElement;
  draw(trust: TrustReport, measureUpTo: number, canReveal: (layer: string) => boolean): void;
  choose(place: StepPlace): void;
  mark(layer: string | null): void;
}

/** Layers by widths: how far of each step the second-order model holds. One cell is chosen; arrow keys move the choice. */
export function trustGrid(
  onChoose: (place: StepPlace) => void,
  onReveal: (layer: string) => void,
): TrustGrid {
  const head = element('thead');
  const body = element('tbody');
  const name = 'How far the second-order model holds, by layer and width';
  const table = element('table', { class: 'plain trust-grid', 'aria-label': name }, head, body);
  const root = element('div', { class: 'trust-scroll' }, table);
  let places: (readonly (StepPlace | undefined)[])[] = [];
  const keys = gridKeys(body, (row, column) => {
    const place = places[row][column];
    if (place) onChoose(place);
  });

  function rowOf(
    { name: layer, steps }: TrustReport['layers'][number],
    widths: readonly number[],
    measureUpTo: number,
    canReveal: boolean,
    row: number,
  ): HTMLElement {
    const title = canReveal
      ? element('button', { type: 'button', class: 'layer-name' })
      : element('span', { class: 'layer-name' });
    title.append(element('code', {}, layer));
    if (canReveal) title.addEventListener('click', () => onReveal(layer));
    const measured = widths
      .map(bits => steps.find(step => step.bits === bits))
      .filter(step => step !== undefined);
    const cells = widths.map(bits => {
      const step = steps.find(one => one.bits === bits);
      if (!step) return element('td', {}, '–');
      const isSecondOrder = bits > measureUpTo;
      const kind = step.radius === 1 ? 'holds' : isSecondOrder ? 'doubted' : 'off';
      const press = element(
        'button',
        { type: 'button', class: `reach ${kind}` },
        spoken(`${layer} at ${bits} bits holds for `),
        ...reach(step),
        spoken(` of the step${isSecondOrder ? '' : ', measured instead'}`),
      );
      keys.place(press, row, measured.indexOf(step));
      return element('td', {}, press);
    });
    places[row] = measured.map(({ bits }) => ({ layer, bits }));
    return element('tr', {}, element('th', { scope: 'row' }, title), ...cells);
  }

  const cells = () => [...body.querySelectorAll<HTMLElement>('.reach')];
  const placeOf = ({ dataset }: HTMLElement) => places[Number(dataset.row)][Number(dataset.at)];

  body.addEventListener('click', ({ target }) => {
    const cell = target instanceof Element ? target.closest<HTMLElement>('.reach') : null;
    const place = cell && placeOf(cell);
    if (place) onChoose(place);
  });

  return {
    root,
    draw(trust, measureUpTo, canReveal) {
      const widths = trustWidths(trust);
      fill(head, [widths, measureUpTo], () => [
        element(
          'tr',
          {},
          element('th', { scope: 'col' }, 'Layer'),
          ...widths.map(bits =>
            element(
              'th',
              { scope: 'col' },
              bitChip(bits),
              bits <= measureUpTo ? element('span', { class: 'measured' }, 'measured') : undefined,
            ),
          ),
        ),
      ]);
      fill(body, [trust.layers, measureUpTo, trust.layers.map(layer => canReveal(layer.name))], () => {
        places = [];
        return trust.layers.map((layer, row) =>
          rowOf(layer, widths, measureUpTo, canReveal(layer.name), row),
        );
      });
    },
    choose(chosen) {
      for (const cell of cells()) {
        const place = placeOf(cell);
        const isChosen = place?.layer === chosen.layer && place.bits === chosen.bits;
        cell.setAttribute('aria-pressed', String(isChosen));
        if (isChosen) keys.rest(Number(cell.dataset.row), Number(cell.dataset.at));
      }
    },
    mark(layer) {
      [...body.rows].forEach((row, index) =>
        row.classList.toggle('selected', places[index]?.[0]?.layer === layer),
      );
    },
  };
}
