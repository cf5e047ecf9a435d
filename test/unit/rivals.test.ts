import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawn, type RivalLayer } from '../../src/engine/analysis/rivals';

const widths = [2, 3, 4, 8];
const layers: RivalLayer[] = [90, 40, 25].map((parameters, l) => ({
  name: `layer ${l}`,
  choices: widths.map(bits => ({ bits, bytes: parameters * bits, costs: {} })),
}));
const LIMIT = 560;

/** All widths within the limit that have no room left for a wider layer, by trying each. */
function fillings(): string[] {
  const bytes = (picks: readonly number[]) =>
    picks.reduce((sum, pick, l) => sum + (layers[l].choices[pick]?.bytes ?? Infinity), 0);
  const all = widths.flatMap((_, a) => widths.flatMap((__, b) => widths.map((___, c) => [a, b, c])));
  return all
    .filter(p => bytes(p) <= LIMIT && p.every((_, l) => bytes(p.map((q, m) => q + Number(l === m))) > LIMIT))
    .map(picks => picks.map(pick => widths[pick]).join());
}

const random = (count: number, suggested: string) => {
  const bits = Object.fromEntries(suggested.split(',').map((b, l) => [layers[l].name, Number(b)]));
  const suggestion = { name: 'suggestion', kind: 'suggestion', bits } as const;
  return drawn(layers, LIMIT, count, 3, suggestion).map(r => Object.values(r.bits).join());
};

test('random rivals are different, fill the size, and leave out the suggestion; small models have few', () => {
  const [suggested, ...others] = fillings();
  assert.ok(others.length > 2);
  assert.deepEqual(random(50, suggested).sort(), others.sort());
  const two = random(2, suggested);
  assert.equal(new Set(two).size, 2);
  for (const rival of two) assert.ok(others.includes(rival));
});
