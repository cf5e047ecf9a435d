import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdictsOf } from '../../src/engine/analysis/verdicts';
import type { Proof, ProofAllocation } from '../../src/engine/report/proof';

const allocation = (
  name: string,
  kind: ProofAllocation['kind'],
  bits: number,
  loss: number,
): ProofAllocation => ({
  ...{ name, kind, bits: { 'fc.weight': bits }, bytes: 100, effectiveBits: bits, predicted: {}, loss },
  lossChange: { value: loss, stderr: 0.001 },
  divergence: { value: loss },
  ...(kind === 'suggestion' ? {} : { lossOverSuggestion: { value: loss - 0.1, stderr: 0.01 } }),
});

type Parts = Pick<Proof, 'allocations' | 'single' | 'resolvedBits' | 'agreement'>;

/** Of the parts of a proof that verdicts rest on; five layers were measured alone. */
const verdicts = (parts: Partial<Parts>): string[] => {
  const single = [1, 2, 3, 4, 5].map(l => ({
    ...{ layer: `layer ${l}`, bits: 2, predicted: {} },
    ...{ deltaLoss: { value: 0.1 }, divergence: { value: 0.1 } },
  }));
  const proof: Parts = { allocations: [], single, resolvedBits: [2], agreement: [], ...parts };
  return verdictsOf(proof as Omit<Proof, 'verdicts'>);
};

test('a rival is named by what it was chosen by, or by its draw', () => {
  const suggestion = allocation('suggestion', 'suggestion', 4, 0.1);
  const random = allocation('random 1', 'random', 8, 0.3);
  assert.deepEqual(verdicts({ allocations: [suggestion, allocation('sqnr', 'metric', 2, 0.2), random] }), [
    'The suggestion loses less than the best of 2 rivals of its size (the choice by SQNR), by 0.1 ± 0.01.',
  ]);
  assert.deepEqual(verdicts({ allocations: [suggestion, random] }), [
    'The suggestion loses less than the one rival of its size (random 1), by 0.2 ± 0.01.',
  ]);
});

test('a metric that ranks layers the wrong way round says so with a minus sign', () => {
  const agreement: Proof['agreement'] = [
    {
      ...{ metric: 'sqnr', measured: 'deltaLoss', all: 0.5, byWidth: {}, count: 5, allocations: null },
      ...{ acrossLayers: -0.123, acrossLayersInterval: { low: -0.4, high: 0.2 } },
    },
  ];
  assert.deepEqual(verdicts({ agreement }), [
    'SQNR does not tell on this model which layers suffer more at equal width: ρ = −0.12 (95 %: −0.40 to 0.20).',
  ]);
});
