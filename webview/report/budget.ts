import { parseBudget } from '../../src/engine/allocation/budget';
import { jointSentence } from '../../src/engine/report/jointText';
import type { Report } from '../../src/engine/report/schema';
import type { Channel } from '../shared/channel';
import { button, type ButtonControl, slider } from '../shared/controls';
import { element, fill, icon, setText } from '../shared/element';
import { formatBytes, typesetNumber, typesetNumbers, unbroken } from '../shared/format';
import { conflict, decisionWords } from './decisions';
import { decidedLayers, fp32Bytes } from './facts';
import type { Plan } from './plan';
import type { Planner } from './planner';
import { exportModel, saveWidths } from './saveWidths';
import type { Shown } from './section';

/** Positions of the slider: fine enough for a byte or two on small models, and for a pixel on large ones. */
const STEPS = 400;
const presets = ['8x', '6x', '4x'];

/** A report that can't be rounded away: `4.37 effective bits`. */
function amounts(report: Report): string {
  const { budget } = report;
  if (!budget) return '';
  const { bytes, effectiveBits, sensitivity } = budget.chosen;
  const ratio = fp32Bytes(decidedLayers(report)) / bytes;
  return `${formatBytes(bytes)} · ${effectiveBits.toPrecision(3)} effective bits · ${ratio.toPrecision(3)}× smaller than float32 · ΣΩ ${typesetNumber(sensitivity)}`;
}

export interface BudgetControls {
  readonly notice: HTMLElement;
  readonly root: HTMLElement;
  update(shown: Shown): void;
}

/** The size that the weights may take, and what to do with the widths that it leads to. */
export function budgetControls(channel: Channel, plans: Planner): BudgetControls {
  let shown: Shown | undefined;
  const notice = element('p', { class: 'notice', 'data-severity': 'warning' });
  const position = slider('Budget: size of the quantized weights', step => {
    const plan = shown?.plan;
    if (plan) plans.decide(choices => ({ ...choices, budget: atStep(plan, step) }), 'budget');
  });
  const limit = element('span', { class: 'budget-limit' });
  const reading = element('output', { class: 'reading' });
  const own = element('p', { class: 'own' });
  const ratios = presets.map(preset => {
    const label = preset.replace('x', '×');
    const press = (): void => {
      const bytes = shown?.plan?.allocation.limitOf(parseBudget(preset));
      if (bytes !== undefined) plans.decide(choices => ({ ...choices, budget: bytes }));
    };
    const description = `Budget: ${label} smaller than float32`;
    return { preset, control: button({ label, description, onPress: press }) };
  });
  const undo = button({ label: 'Undo', icon: 'discard', onPress: () => plans.undo() });
  const reset = button({
    label: 'Reset',
    icon: 'target',
    description: 'Reset to the report’s suggestion',
    onPress: () => plans.reset(),
  });
  const save = button({
    label: 'Save Bit Widths…',
    icon: 'save',
    onPress: () => shown && saveWidths(channel, shown),
  });
  const write = button({
    label: 'Export Quantized Model…',
    icon: 'export',
    primary: true,
    onPress: () => shown && exportModel(channel, shown),
  });
  write.root.hidden = !channel.hasHost;
  const row = (className: string, ...children: HTMLElement[]): HTMLElement =>
    element('div', { class: className }, ...children);
  const group = element(
    'div',
    { class: 'presets', role: 'group', 'aria-label': 'Sizes against float32' },
    ...ratios.map(({ control }) => control.root),
  );
  const root = row(
    'budget',
    row('budget-head', element('span', { class: 'budget-label' }, 'Budget'), limit, group),
    position.root,
    reading,
    row('budget-row', own, row('budget-actions', undo.root, reset.root)),
    row('budget-row', row('budget-actions', save.root, write.root)),
  );

  /** Where a preset can't be met there is nothing to press. */
  function offer({ preset, control }: { preset: string; control: ButtonControl }, plan: Plan): void {
    const bytes = plan.allocation.limitOf(parseBudget(preset));
    control.enable(bytes >= plan.allocation.smallest && bytes <= plan.allocation.largest);
  }

  return {
    notice,
    root,
    update(next) {
      shown = next;
      const { plan, measured, state } = next;
      root.hidden = !plan;
      const message = measured && plan && (noticeOf(measured, plan) ?? undefined);
      notice.hidden = message === undefined;
      fill(notice, message, () => [icon('warning'), message]);
      if (!plan || !state.report) return;
      const said = amounts(state.report);
      position.set(stepOf(plan), STEPS, `${formatBytes(plan.limit)}: ${said}`);
      setText(limit, formatBytes(plan.limit));
      setText(reading, said);
      const decisions = decisionWords(plan.choices);
      setText(
        own,
        plan.isOwn ? `Your choice${decisions ? `, ${decisions}` : ''}` : suggestionWords(state.report),
      );
      for (const ratio of ratios) offer(ratio, plan);
      undo.enable(plans.canUndo);
      reset.enable(plan.isOwn);
    },
  };
}

/** Choices that the reader makes go by ΣΩ: the page can't run the model. */
function suggestionWords(report: Report): string {
  const joint = jointSentence(report);
  return joint === undefined
    ? 'The report’s suggestion'
    : `The report’s suggestion. ${unbroken(typesetNumbers(joint))}`;
}

function noticeOf(measured: Report, plan: Plan): string | undefined {
  const { budget } = measured;
  if (plan.isOwn || !budget || plan.feasible) return conflict(measured, plan);
  return budget.message ?? `The budget ${budget.requested} cannot be met; the nearest point is suggested.`;
}

const stepOf = ({ limit, allocation: { smallest, largest } }: Plan): number => {
  const share = largest > smallest ? (limit - smallest) / (largest - smallest) : 1;
  return Math.round(STEPS * Math.min(1, Math.max(0, share)));
};

const atStep = ({ allocation: { smallest, largest } }: Plan, step: number): number =>
  Math.round(smallest + (step / STEPS) * (largest - smallest));
