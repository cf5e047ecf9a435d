import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layerLabel } from '../../../src/extension/text/layerLabel';
import {
  commandLink,
  escapeMarkdown,
  layerMarkdown,
  notAnalysedMarkdown,
} from '../../../src/extension/text/layerMarkdown';
import { trustOf } from '../../browser/studiesFixture';
import { aLayer, aReport } from '../../support/vscode/reports';

test('an analysed layer tells its trace, its average, its bits and Ω per width', () => {
  const layer = aLayer('conv1', 0.8, 8);
  const text = layerMarkdown(layer, aReport([layer]));
  assert.match(text, /^\*\*conv1\*\* — Conv, 8 × 4 × 3 × 3, 288 weights/);
  assert.match(text, /Trace \(GGN\): \*\*12\.\d+ ± 0\.31\*\* \(16 draws\)/);
  assert.match(text, /, 0\.0428\d* per weight on average/);
  assert.match(text, /The Hessian’s is the same \(piecewise linear\)/);
  assert.match(text, /Suggested: \*\*8 bits\*\*, 320 B/);
  assert.match(text, /\| 4 \|[^|]*;0\.05 ± [\d.e-]+ \|[^|]*;176 B \|/);
  assert.match(text, /\| \*\*8\*\* \|/);
});

test('what was measured in place of Ω is told from Ω', () => {
  const layer = aLayer('conv1', 0.8, 8);
  const { settings, ...report } = aReport([layer]);
  const text = layerMarkdown(layer, { ...report, settings: { ...settings, measureUpTo: 3 } });
  assert.match(text, /\| 3 \|[^|]*;measured 0\.2/);
  assert.match(text, /\| 4 \|[^|]*;0\.05 /);
});

test('a weight that is quantized already tells its width', () => {
  const layer = aLayer('conv1', 0.8, 4, { currentBits: 8 });
  assert.match(layerMarkdown(layer, aReport([layer])), /288 weights of 8 bits now/);
});

test('one scale for all weights is told where the suggested width has it', () => {
  const granularity = { '4': 'tensor', '8': 'channel' } as const;
  const textAt = (bits: number) => {
    const layer = aLayer('conv1', 0.8, bits, { granularity });
    return layerMarkdown(layer, aReport([layer]));
  };
  assert.match(textAt(4), /Suggested: \*\*4 bits\*\*, one scale for all weights, 176 B/);
  assert.match(textAt(8), /Suggested: \*\*8 bits\*\*, 320 B/);
});

test('what is partial, synthetic, exact or not converged says so', () => {
  const estimate = { estimate: 3, stderr: 1, samples: 9, seed: 0, exact: false, converged: false };
  const layer = aLayer('a', 1, 4, {
    trace: { ggn: { ...estimate, exact: true, converged: true }, hessian: estimate },
    hessianEqualsGgn: false,
  });
  const text = layerMarkdown(
    layer,
    aReport([layer], { complete: false, data: { source: 'synthetic', arrays: [] } }),
  );
  assert.match(text, /Trace \(GGN\): \*\*3\*\* \(exact\)/);
  assert.match(text, /Trace \(Hessian\): \*\*3 ± 1\*\* \(9 probes, not converged\)/);
  assert.match(text, /partial results/);
  assert.match(text, /synthetic inputs/);
});

test('the width comes first, then what each costs; the Hessian is spoken of where it was not measured', () => {
  const layer = aLayer('a', 1, 4, { hessianEqualsGgn: false });
  const text = layerMarkdown(layer, aReport([layer]));
  assert.match(text, /^\*\*a\*\*[^\n]*\n\nSuggested: \*\*4 bits\*\*[^\n]*\n\n\| bits/);
  assert.match(text, /may differ from the GGN’s/);
  // Name, suggestion, six lines of the table, trace, Hessian: what a hover shows without scrolling.
  assert.ok(text.split('\n').filter(Boolean).length <= 10, text);
});

test('a layer that was not measured by exact derivatives says so', () => {
  const layer = aLayer('a', 1, 4, { method: 'differences', reason: 'behind an LSTM' });
  const report = aReport([layer], {
    settings: { ...aReport([layer]).settings, sensitivityMatrix: 'hessian' },
  });
  assert.match(layerMarkdown(layer, report), /Measured by differences of forward runs/);
  assert.match(layerLabel(layer, report), /^4 bits · trace .* · differences$/);
});

test('a layer without a trace says why', () => {
  const unreached = aLayer('a', 0, 4, { status: 'not-reached', reason: 'behind FancyOp *x*', bits: null });
  assert.match(layerMarkdown(unreached, aReport([unreached])), /Not reached: behind FancyOp \\\*x\\\*/);
  const pending = aLayer('a', 0, 4, { status: 'pending', bits: null });
  assert.match(layerMarkdown(pending, aReport([pending])), /stopped before this layer/);
});

test('a name can neither format, link nor break the line', () => {
  const name = '[x](command:evil)<b>`*_$(bug)|\nhttps://example.com';
  const text = notAnalysedMarkdown([name], undefined);
  assert.equal(text.split('\n').length, 3);
  assert.doesNotMatch(text.replaceAll(/\\./g, ''), /[[\]()<>`_$|]/);
});

test('escaping leaves words alone', () => {
  assert.equal(escapeMarkdown('conv1.weight'), 'conv1\\.weight');
  assert.equal(escapeMarkdown('größe 1'), 'größe 1');
});

test('the one link is the command’s', () => {
  assert.match(notAnalysedMarkdown(['fc'], 'command:x'), /\[Analyze Curvature\]\(command:x\)/);
});

test('the label at the end of a line is short', () => {
  const layer = aLayer('a', 1, 4);
  assert.match(layerLabel(layer, aReport([layer])), /^4 bits · trace 12\.3\d* ± 0\.31$/);
  const nothing = aLayer('a', 1, 4, { trace: {}, bits: null });
  assert.equal(layerLabel(nothing, aReport([nothing])), '');
});

test('widths whose sensitivity should not be believed are marked, and one line says why', () => {
  const layers = [aLayer('a', 1, 4), aLayer('b', 1, 4)];
  const plain = aReport(layers);
  const report = aReport(layers, {
    studies: { trust: trustOf(plain) },
    settings: { ...plain.settings, measureUpTo: 2 },
  });
  assert.doesNotMatch(layerMarkdown(layers[0], report), /⚠/);
  const text = layerMarkdown(layers[1], report);
  assert.match(text, /\| \*\*4\*\* \|[^|]* ⚠ \|/);
  assert.doesNotMatch(text, /\| 2 \|[^|]*⚠/);
  assert.match(text, /^⚠ Not trusted at 4 bits: at 4 the second-order model is off at the end of the step /m);
  assert.ok(text.split('\n').filter(Boolean).length <= 11, text);
});

test('a link survives names that Markdown would end it at', () => {
  const names = ['file:///w/a (1).onnx', 'block)[x](command:other)'];
  const link = commandLink('curvature.layerSpectrum', names);
  assert.doesNotMatch(link, /[()[\]\s]/);
  const [, args = ''] = link.split('?');
  assert.deepEqual(JSON.parse(decodeURIComponent(args)), names);
});
