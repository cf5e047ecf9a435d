import type { Report } from '../../src/engine/report/schema';
import { element, fill } from '../shared/element';
import { formatBytes, formatCount, formatSeconds, formatShape } from '../shared/format';
import { panel, type Section } from './section';

type Entry = readonly [label: string, value: string];

const present = (entries: readonly (readonly [string, string | undefined])[]): Entry[] =>
  entries.filter((entry): entry is Entry => entry[1] !== undefined && entry[1] !== '');

function groups(report: Report): readonly (readonly [title: string, entries: readonly Entry[]])[] {
  const { model, data, settings, tool } = report;
  const arrays = data.arrays.map(
    ({ name, elemType, shape }) => `${name}: ${elemType} [${formatShape(shape)}]`,
  );
  return [
    [
      'Model',
      present([
        ['File', model.file],
        ['SHA-256', model.sha256],
        ['Size', formatBytes(model.sizeBytes)],
        ['Producer', model.producer],
        ['Opset', String(model.opset)],
        ['Nodes', formatCount(model.nodes)],
        ['Parameters', formatCount(model.parameters)],
        ['Output', model.output],
      ]),
    ],
    [
      'Data',
      present([
        ['Source', data.source === 'file' ? data.file : 'synthetic inputs'],
        ['SHA-256', data.sha256],
        ['Arrays', arrays.join('; ')],
        ['Labels', data.labels],
        ['Samples', formatCount(report.samples)],
      ]),
    ],
    [
      'Settings',
      Object.entries(settings).map(([name, value]): Entry => [
        name,
        Array.isArray(value) ? value.join(', ') : String(value),
      ]),
    ],
    [
      'Run',
      [
        ['Made by', `${tool.name} ${tool.version}`],
        ['Made at', report.createdAt],
        ...Object.entries(report.timings).map(([stage, seconds]): Entry => [
          `Time: ${stage}`,
          formatSeconds(seconds),
        ]),
      ],
    ],
  ];
}

/** Everything needed to make the report again. */
export function provenance(): Section {
  const content = element('div', { class: 'provenance-groups' });
  const root = panel('Provenance', 'provenance');
  root.append(content);
  return {
    root,
    update({ state: { report } }) {
      root.hidden = !report;
      if (!report) return;
      const shown = groups(report);
      fill(content, shown, () =>
        shown.map(([title, entries]) =>
          element(
            'div',
            {},
            element('h3', {}, title),
            element(
              'dl',
              {},
              ...entries.flatMap(([label, value]) => [element('dt', {}, label), element('dd', {}, value)]),
            ),
          ),
        ),
      );
    },
  };
}
