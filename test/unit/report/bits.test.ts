import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseBits } from '../../../src/engine/report/bits';
import { bitsJsonSchema } from '../../../src/engine/report/bitsSchema';
import { bitsText } from '../../../src/engine/report/bitsText';
import { curvatureError } from '../../support/assertions';

test('what is written is read', () => {
  const file = {
    ...{ model: 'net.onnx', report: 'net.curvature.json', granularity: 'auto' as const },
    bits: { conv: 8, 'fc, "last"': 32 },
  };
  assert.deepEqual(parseBits(bitsText(file)), { format: 'curvature-bits', ...file });
  assert.deepEqual(parseBits(bitsText({ bits: {} })), { format: 'curvature-bits', bits: {} });
});

test('a width that no quantizer has names its layer', () => {
  assert.throws(
    () => parseBits('{"format": "curvature-report", "layers": []}'),
    curvatureError('problem-invalid', /This is a report, no file of bit widths/),
  );
  assert.throws(() => parseBits('{"bits": {"fc": 1}}'), curvatureError('problem-invalid', /bits\.fc/));
  assert.throws(() => parseBits('{"bits": {"fc": 24}}'), curvatureError('problem-invalid', /bits\.fc/));
});

test('the published schema is the reader’s', () => {
  const published = readFileSync(path.resolve('media/bits.schema.json'), 'utf8');
  assert.equal(published, bitsJsonSchema(), 'write the output of bitsJsonSchema() to media/bits.schema.json');
  const { properties, required } = JSON.parse(published) as {
    properties: Record<string, unknown>;
    required: string[];
  };
  assert.deepEqual(Object.keys(properties), ['$schema', 'format', 'model', 'report', 'granularity', 'bits']);
  assert.deepEqual(required, ['bits']);
});
