import { undecided } from '../../src/engine/analysis/decisions';
import type { LayerReport } from '../../src/engine/report/schema';
import { button } from '../shared/controls';
import { element, fill, icon, setText } from '../shared/element';
import { decisionWords, tied, tieProblem } from './decisions';
import type { Beside } from './layerColumns';
import { hasDecisions, type Plan } from './plan';
import type { Planner } from './planner';
import type { Shown } from './section';
import { doubtNote } from './trustWords';
import { drawWidth, tieLetter } from './widthCell';

/** What the reader does to the layers of the table: pins in cells, ticks of rows, and what makes ties of them. */
export interface LayerDecisions {
  readonly controls: readonly HTMLElement[];
  /** Why layers couldn't be tied. */
  readonly notice: HTMLElement;
  /** What the columns need of it. */
  beside(shown: Shown, layers: readonly LayerReport[]): Beside;
  /** Ticks a row, or not. */
  select(name: string, isSelected: boolean): void;
  /** Brings a row's box up to date. */
  drawBox(box: HTMLInputElement, layer: LayerReport): void;
  update(shown: Shown): void;
}

export function layerDecisions(plans: Planner): LayerDecisions {
  const decided = element('output', { class: 'decided' });
  const tie = button({ label: 'Tie Selected', icon: 'link', onPress: tieSelected });
  const clear = button({
    label: 'Clear',
    icon: 'clear-all',
    description: 'Clear all pins and ties',
    onPress: () => plans.decide(choices => ({ ...choices, ...undecided })),
  });
  const notice = element('p', { class: 'notice', 'data-severity': 'warning', role: 'alert' });
  const controls = [decided, tie.root, clear.root];
  const selected = new Set<string>();
  let plan: Plan | undefined;
  let layers: readonly LayerReport[] = [];

  function explain(message: string | undefined): void {
    notice.hidden = message === undefined;
    fill(notice, message, () => [icon('warning'), message]);
  }

  explain(undefined);

  function tieSelected(): void {
    if (!plan) return;
    const chosen = layers.filter(({ name }) => selected.has(name));
    const problem = tieProblem(plan.choices, chosen);
    explain(problem);
    if (problem) return;
    const names = chosen.map(({ name }) => name);
    selected.clear();
    plans.decide(choices => tied(choices, names));
  }

  return {
    controls,
    notice,
    beside({ kept, measured }, all) {
      const choices = plan?.choices;
      const shares = kept && new Map(all.map((layer, l) => [layer, kept[l] ?? 0]));
      return {
        kept: plan?.allocation.hasErrors ? { shares, isPending: plan.feasible } : undefined,
        widths: choices && {
          draw: (cell, layer) => {
            const doubt =
              measured && layer.bits !== null ? doubtNote(measured, layer.name, layer.bits) : undefined;
            drawWidth(cell, layer, choices, plans, doubt);
          },
          decided: ({ name }) => [choices.pins[name] ?? '', tieLetter(choices, name) ?? ''].join(' ').trim(),
        },
      };
    },
    select(name, isSelected) {
      if (isSelected) selected.add(name);
      else selected.delete(name);
      tie.enable(selected.size > 1);
      explain(undefined);
    },
    drawBox(box, { name, sensitivity }) {
      box.setAttribute('aria-label', `Select ${name}`);
      box.hidden = !plan || !Object.keys(sensitivity).length;
      box.checked = selected.has(name);
    },
    update(shown) {
      ({ plan } = shown);
      layers = shown.state.report?.layers ?? [];
      for (const control of controls) control.hidden = !plan;
      setText(decided, plan ? decisionWords(plan.choices) : '');
      tie.enable(selected.size > 1);
      clear.enable(plan !== undefined && hasDecisions(plan.choices));
    },
  };
}
