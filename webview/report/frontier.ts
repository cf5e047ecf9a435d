import type { FrontierPoint, Report } from '../../src/engine/report/schema';
import type { Channel } from '../shared/channel';
import { chartView, type LineConfig } from '../shared/chart';
import { element, fill } from '../shared/element';
import { formatBytes, plural, typesetNumber } from '../shared/format';
import { bitsClass } from '../shared/theme';
import { bitChip, bitWord } from './bitChip';
import { budgetControls } from './budget';
import { decidedLayers, type DecidedLayer, layersByBits } from './facts';
import { frontierConfig, type FrontierPicture } from './frontierChart';
import { bySize, uniformPoints } from './frontierPoints';
import { legendEntry } from './legend';
import { hasDecisions, type Plan } from './plan';
import type { Planner } from './planner';
import { panel, type Section, type Shown } from './section';

/** Points of the frontier under pins and ties: what the eye can tell apart. */
const BOUND_POINTS = 200;
const BOUND_QUIET_MS = 60;

function legend(budgetBytes: number | undefined, isOwn: boolean, isBound: boolean): HTMLElement[] {
  return [
    legendEntry('mark-frontier', 'Frontier'),
    ...(isBound ? [legendEntry('mark-bound', 'With pins and ties')] : []),
    legendEntry('mark-chosen', 'Suggested'),
    ...(isOwn ? [legendEntry('mark-own', 'Your choice')] : []),
    legendEntry('mark-uniform', 'Uniform widths'),
    ...(budgetBytes === undefined ? [] : [legendEntry('mark-budget', `Budget ${formatBytes(budgetBytes)}`)]),
  ];
}

/** Float columns would dwarf the others. */
const TALLEST_BITS = 16;

/** Columns in network order, as high as the layer's bits. */
function strip(layers: readonly DecidedLayer[]): HTMLElement[] {
  const heights = layers.map(({ bits }) => Math.min(bits, TALLEST_BITS));
  const most = Math.max(...heights);
  return layers.map(({ name, bits }, l) => {
    const column = element('span', { class: bitsClass(bits), title: `${name}: ${bitWord(bits)}` });
    column.style.height = `${(100 * (heights[l] ?? 0)) / most}%`;
    return column;
  });
}

const groups = (layers: readonly DecidedLayer[]): HTMLElement[] =>
  [...layersByBits(layers, layer => layer.bits)].map(([bits, members]) =>
    element(
      'div',
      {},
      element('dt', {}, bitChip(bits), plural(members.length, 'layer')),
      element('dd', {}, ...members.flatMap((layer, i) => [i ? ', ' : '', element('code', {}, layer.name)])),
    ),
  );

/** What the chart says, for those who don't see it. */
function finding(report: Report, points: readonly FrontierPoint[], own: Report | undefined): string {
  const said = ({ budget }: Report): string =>
    budget ? `${formatBytes(budget.chosen.bytes)}, ΣΩ ${typesetNumber(budget.chosen.sensitivity)}` : '';
  return `Pareto frontier of ${plural(points.length, 'point')}, sum of Ω against size. Suggested: ${said(report)}.${own ? ` Your choice: ${said(own)}.` : ''} The budget moves along it.`;
}

/** Size against predicted loss: what each further byte buys, and the budget. */
export function frontier(channel: Channel, plans: Planner): Section {
  const chart = chartView<LineConfig>();
  const key = element('p', { class: 'legend' });
  const controls = budgetControls(channel, plans);
  const columns = element('div', { class: 'bit-strip', 'aria-hidden': 'true' });
  const listed = element('dl', { class: 'bit-groups', tabindex: '0', 'aria-label': 'Layers by bit width' });
  const root = panel('Budget: size against predicted loss', 'frontier');
  root.append(
    controls.notice,
    element(
      'div',
      { class: 'budget-columns' },
      element('div', {}, key, element('div', { class: 'chart-box' }, chart.canvas)),
      element('div', {}, controls.root, columns, listed),
    ),
  );

  let shown: Shown | undefined;
  let picture: FrontierPicture | undefined;
  let bound: { readonly of: Plan['allocation']; readonly points: FrontierPoint[] } | undefined;
  let pending: ReturnType<typeof setTimeout> | undefined;

  /** Made when pins and ties stand still, and kept while only the size changes. */
  function follow(plan: Plan): void {
    clearTimeout(pending);
    if (!hasDecisions(plan.choices)) bound = undefined;
    else if (bound?.of !== plan.allocation) {
      pending = setTimeout(() => {
        bound = { of: plan.allocation, points: plan.allocation.frontier(BOUND_POINTS) };
        redraw();
      }, BOUND_QUIET_MS);
    }
  }

  function redraw(): void {
    const { measured, plan, state, theme } = shown ?? {};
    if (!measured || !theme) return;
    const points = bySize(measured.frontier);
    const own = plan?.isOwn ? state?.report : undefined;
    const budgetBytes = plan?.limit ?? measured.budget?.bytes;
    picture = {
      points,
      bound: plan && hasDecisions(plan.choices) ? (bound?.points ?? []) : [],
      uniform: uniformPoints(measured),
      chosen: measured.budget?.chosen,
      budgetBytes,
      own: own?.budget?.chosen,
      theme,
      onPick: ({ bytes }) => plans.decide(choices => ({ ...choices, budget: bytes })),
    };
    chart.draw(
      frontierConfig(() => picture as FrontierPicture),
      finding(measured, points, own),
    );
    const isBound = picture.bound.length > 0;
    fill(key, [budgetBytes, own !== undefined, isBound], () =>
      legend(budgetBytes, own !== undefined, isBound),
    );
  }

  return {
    root,
    update(next) {
      shown = next;
      root.hidden = !next.measured?.frontier.length;
      const { report } = next.state;
      if (root.hidden || !report) return;
      if (next.plan) follow(next.plan);
      controls.update(next);
      redraw();
      const layers = decidedLayers(report);
      const content = layers.map(({ name, bits }) => [name, bits]);
      fill(columns, content, () => strip(layers));
      fill(listed, content, () => groups(layers));
    },
  };
}
