import { test } from 'node:test';
import { checkRules } from '../../support/checkRules';
import { goldenCases } from '../../support/golden';

for (const c of goldenCases()) test(`rules: ${c.name}`, () => checkRules(c));
