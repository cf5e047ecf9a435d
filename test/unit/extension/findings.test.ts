import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LayerReport } from '../../../src/engine/report/schema';
import { findings, sensitiveLayers } from '../../../src/extension/text/findings';
import { couplingOf, trustOf } from '../../browser/studiesFixture';
import { aLayer, aReport } from '../../support/vscode/reports';

const warned = (layers: LayerReport[]) => sensitiveLayers(aReport(layers)).map(finding => finding.layer);
const big = { parameters: 100_000 };

test('the fewest layers above the usual width that carry half of what those would cost', () => {
  const layers = [aLayer('big', 1, 4, big), aLayer('a', 2, 8), aLayer('b', 5, 8), aLayer('c', 2, 8)];
  assert.deepEqual(warned(layers), ['b']);
  const even = [aLayer('big', 1, 4, big), aLayer('a', 3, 8), aLayer('b', 3, 8), aLayer('c', 3, 8)];
  assert.deepEqual(warned(even), ['a', 'b']);
});

test('the message names the usual width, the share of the whole, and the width to keep', () => {
  const [finding] = sensitiveLayers(aReport([aLayer('big', 1, 4, big), aLayer('a', 3, 8)]));
  assert.equal(finding?.message, 'a: 4 bits here would cost 75 % of the predicted loss increase; keep 8.');
  assert.equal(finding?.severity, 'warning');
});

test('the usual width is the one of most weights, the smaller of two', () => {
  assert.deepEqual(warned([aLayer('a', 1, 4), aLayer('b', 1, 8)]), ['b']);
  assert.deepEqual(warned([aLayer('a', 1, 4), aLayer('b', 1, 8, big)]), []);
});

test('nothing to warn of: one width for all, no curvature, no layers', () => {
  assert.deepEqual(warned([aLayer('a', 9, 4), aLayer('b', 1, 4)]), []);
  assert.deepEqual(warned([aLayer('a', 0, 8), aLayer('big', 0, 4, big)]), []);
  assert.deepEqual(warned([]), []);
});

test('a negative Hessian trace costs nothing', () => {
  assert.deepEqual(warned([aLayer('big', 1, 4, big), aLayer('a', -5, 8), aLayer('b', 1, 8)]), ['b']);
});

test('layers that were not reached are told once, with the reason', () => {
  const unreached = aLayer('c', 0, 4, { status: 'not-reached', reason: 'behind FancyOp', bits: null });
  const [own] = findings(aReport([unreached]));
  assert.deepEqual([own?.severity, own?.layer], ['info', 'c']);
  assert.match(own?.message ?? '', /behind FancyOp/);
  const diagnostics = [
    { severity: 'warning', code: 'x', message: 'FancyOp at n', layer: 'c', node: 'n' },
  ] as const;
  assert.deepEqual(
    findings(aReport([unreached], { diagnostics: [...diagnostics] })).map(finding => finding.code),
    ['x'],
  );
});

test('suggested widths that rest on a model that fails there are told, and sums that should not be taken', () => {
  const layers = [aLayer('a', 1, 4), aLayer('b', 1, 4)];
  const plain = aReport(layers);
  const coupling = couplingOf(plain);
  const [sums, width, ...others] = findings(
    aReport(layers, { studies: { coupling, trust: trustOf(plain) } }),
  );
  assert.deepEqual(
    [sums, width].map(({ severity, code, layer }) => [severity, code, layer]),
    [
      ['warning', 'not-additive', undefined],
      ['info', 'untrusted-width', 'b'],
    ],
  );
  assert.match(sums.message, /^Sensitivities of the layers should not be added/);
  assert.equal(
    width.message,
    'b: at the suggested 4 bits the second-order model is off at the end of the step to these weights (the loss changes by 0.035 there, 0.02 is predicted); its sensitivity is not to be trusted.',
  );
  assert.deepEqual(others, []);
  const additive = {
    ...coupling,
    additivity: { ...coupling.additivity, verdict: 'roughly-additive' },
  } as const;
  const measured = { ...plain.settings, measureUpTo: 4 };
  assert.deepEqual(
    findings(aReport(layers, { settings: measured, studies: { coupling: additive, trust: trustOf(plain) } })),
    [],
  );
});
