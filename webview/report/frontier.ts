import type { FrontierPoint, Report } from '../../src/engine/report/schema';
import type { Channel } from '../shared/channel';
import { chartView, type LineConfig } from '../shared/chart';
import { button, slider } from '../shared/controls';
import { element, fill, icon, setText } from '../shared/element';
import { formatBytes, plural, typesetNumber } from '../shared/format';
import { bitsClass } from '../shared/theme';
import { bitChip } from './bitChip';
import { layersByBits } from './facts';
import { frontierConfig, type FrontierPicture } from './frontierChart';
import { bySize, inspectedLayers, type InspectedLayer, nearestPoint, uniformPoints } from './frontierPoints';
import { panel, type Section, type Shown } from './section';

const describe = (point: FrontierPoint): string =>
  `${formatBytes(point.bytes)}, ${point.effectiveBits.toPrecision(3)} effective bits, ΣΩ ${typesetNumber(point.sensitivity)}`;

function legend(report: Report): HTMLElement[] {
  const entry = (mark: string, text: string) =>
    element(
      'span',
      { class: 'legend-entry' },
      element('span', { class: `mark ${mark}`, 'aria-hidden': 'true' }),
      text,
    );
  return [
    entry('mark-frontier', 'Frontier'),
    entry('mark-chosen', 'Suggested'),
    entry('mark-uniform', 'Uniform widths'),
    entry('mark-inspected', 'Inspected'),
    ...(report.budget ? [entry('mark-budget', `Budget ${formatBytes(report.budget.bytes)}`)] : []),
  ];
}

/** Columns in network order, as high as the layer's bits. */
function strip(layers: readonly InspectedLayer[]): HTMLElement[] {
  const most = Math.max(...layers.map(({ bits }) => bits));
  return layers.map(({ layer, bits }) => {
    const column = element('span', { class: bitsClass(bits), title: `${layer.name}: ${bits} bit` });
    column.style.height = `${(100 * bits) / most}%`;
    return column;
  });
}

function groups(layers: readonly InspectedLayer[]): HTMLElement[] {
  const byBits = layersByBits(
    layers.map(({ layer }) => layer),
    (_, index) => layers[index]?.bits ?? null,
  );
  return [...byBits].map(([bits, members]) =>
    element(
      'div',
      {},
      element('dt', {}, bitChip(bits), plural(members.length, 'layer')),
      element('dd', {}, ...members.flatMap((layer, i) => [i ? ', ' : '', element('code', {}, layer.name)])),
    ),
  );
}

/** Size against predicted loss: what each further byte buys. */
export function frontier(channel: Channel): Section {
  const chart = chartView<LineConfig>();
  const key = element('p', { class: 'legend' });
  const warning = element('p', { class: 'notice', 'data-severity': 'warning' });
  const position = slider('Inspect a point of the frontier, from the smallest size to the largest', index => {
    const point = points[index];
    if (point) inspect(point.bytes);
  });
  const reading = element('output', { class: 'reading' });
  const back = button({
    label: 'Suggested',
    icon: 'target',
    onPress: () => inspect(null),
    description: 'Back to the suggested point',
  });
  const columns = element('div', { class: 'bit-strip', 'aria-hidden': 'true' });
  const listed = element('dl', {
    class: 'bit-groups',
    tabindex: '0',
    'aria-label': 'Bits per layer at the inspected point',
  });
  const root = panel('Size against predicted loss', 'frontier');
  root.append(
    warning,
    key,
    element('div', { class: 'chart-box' }, chart.canvas),
    element(
      'div',
      { class: 'inspect' },
      position.root,
      element('div', { class: 'inspect-row' }, reading, back),
    ),
    columns,
    listed,
  );

  let shown: Shown | undefined;
  let points: FrontierPoint[] = [];
  let picture: FrontierPicture | undefined;

  function inspect(bytes: number | null): void {
    channel.keep({ inspectedBytes: bytes });
    redraw();
  }

  function redraw(): void {
    const report = shown?.state.report;
    if (!shown || !report || !points.length) return;
    const { budget } = report;
    const suggested = budget ? nearestPoint(points, budget.chosen.bytes) : 0;
    const { inspectedBytes } = channel.ui;
    const index = inspectedBytes === null ? suggested : nearestPoint(points, inspectedBytes);
    const point = points[index];
    if (!point) return;
    const isSuggested = index === suggested && budget !== null;
    picture = {
      points,
      uniform: uniformPoints(report),
      chosen: budget?.chosen,
      budgetBytes: budget?.bytes,
      inspected: isSuggested ? undefined : point,
      theme: shown.theme,
      onPick: picked => inspect(picked.bytes),
    };
    chart.draw(
      frontierConfig(() => picture as FrontierPicture),
      `Pareto frontier of ${plural(points.length, 'point')}, sum of Ω against size. ${budget ? `Suggested: ${formatBytes(budget.chosen.bytes)}, ΣΩ ${typesetNumber(budget.chosen.sensitivity)}.` : ''} The slider below reads out each point.`,
    );
    position.set(index, points.length - 1, describe(point));
    setText(reading, `${isSuggested ? 'Suggested: ' : ''}${describe(point)}`);
    back.hidden = isSuggested || !budget;
    const layers = inspectedLayers(report, point);
    const content = layers.map(({ layer, bits }) => [layer.name, bits]);
    fill(columns, content, () => strip(layers));
    fill(listed, content, () => groups(layers));
  }

  return {
    root,
    update(next) {
      shown = next;
      const { report } = next.state;
      points = bySize(report?.frontier ?? []);
      root.hidden = !points.length;
      if (!report || !points.length) return;
      const message =
        report.budget?.feasible === false
          ? (report.budget.message ??
            `The budget ${report.budget.requested} cannot be met; the nearest point is suggested.`)
          : undefined;
      warning.hidden = message === undefined;
      fill(warning, message, () => [icon('warning'), message]);
      fill(key, report.budget?.bytes, () => legend(report));
      redraw();
    },
  };
}
