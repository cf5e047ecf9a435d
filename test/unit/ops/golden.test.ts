import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expansions } from '../../../src/engine/ops/expansions';
import { ops } from '../../../src/engine/ops/table';
import { checkRules } from '../../support/checkRules';
import { goldenCases } from '../../support/golden';

const cases = goldenCases();

for (const c of cases) test(`rules: ${c.name}`, () => checkRules(c));

test('every operator with a rule or an expansion has a golden case', () => {
  const covered = new Set(cases.flatMap(c => c.nodes.map(n => n.opType)));
  const ruled = Object.keys(ops).filter(name => ops[name] !== 'zero');
  assert.deepEqual(
    [...ruled, ...Object.keys(expansions)].filter(name => !covered.has(name)),
    [],
  );
});
