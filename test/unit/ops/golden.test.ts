import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contrib, CONTRIB_DOMAIN } from '../../../src/engine/ops/contrib';
import { expansions } from '../../../src/engine/ops/expansions';
import { ops } from '../../../src/engine/ops/table';
import { checkRules } from '../../support/checkRules';
import { goldenCases } from '../../support/golden';

const cases = goldenCases();

for (const c of cases) test(`rules: ${c.name}`, () => checkRules(c));

test('every operator with a rule or an expansion has a golden case', () => {
  const named = (domain: string, opType: string): string => (domain === '' ? opType : `${domain}::${opType}`);
  const covered = new Set(cases.flatMap(c => c.nodes.map(n => named(n.domain ?? '', n.opType))));
  // ONNX Runtime's own QuantizeLinear is the standard one at more widths.
  const ruled = Object.keys(ops)
    .filter(name => ops[name] !== 'zero')
    .map(name => name.replace(/^.*::/, ''));
  const own = Object.keys(contrib).map(name => named(CONTRIB_DOMAIN, name));
  assert.deepEqual(
    [...ruled, ...Object.keys(expansions), ...own].filter(name => !covered.has(name)),
    [],
  );
});
