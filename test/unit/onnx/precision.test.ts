import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema, TensorProto_DataType } from 'onnx-buf';
import { analyze } from '../../../src/engine';
import { openModel, requireLayers } from '../../../src/engine/analysis/model';
import { defaultOptions } from '../../../src/engine/analysis/options';
import { bfloat16ToFloats, halvesToFloats } from '../../../src/engine/onnx/half';
import { float32Tensor } from '../../../src/engine/onnx/tensor';
import { curvatureError } from '../../support/assertions';
import { input, makeGraph, Workspace } from '../../support/models';

const workspace = new Workspace();
after(() => workspace.remove());
const data = 'test/fixtures/models/digits_eval.npz';

/** The trained network with its weights cut to 16 bits: stored so, with inputs and outputs of the type, or in float32. */
function rounded(type: 'float16' | 'bfloat16', store: boolean): string {
  const model: ModelProto = fromBinary(
    ModelProtoSchema,
    readFileSync('test/fixtures/models/mlp_digits_legacy.onnx'),
  );
  const code = type === 'float16' ? TensorProto_DataType.FLOAT16 : TensorProto_DataType.BFLOAT16;
  for (const t of model.graph!.initializer) {
    const floats = new Float32Array(new Uint8Array(t.rawData).buffer);
    // Cut, not rounded: any 16 bits serve, as long as both files have the same ones.
    const bits = Uint16Array.from(floats, f => (type === 'bfloat16' ? wordOf(f) >>> 16 : halfOf(f)));
    if (store) {
      t.dataType = code;
      t.rawData = new Uint8Array(bits.buffer);
    } else {
      const back = type === 'bfloat16' ? bfloat16ToFloats(bits) : halvesToFloats(bits);
      t.rawData = new Uint8Array(back.buffer as ArrayBuffer);
    }
  }
  if (store) {
    for (const v of [...model.graph!.input, ...model.graph!.output]) {
      const { value } = v.type!;
      if (value.case === 'tensorType') value.value.elemType = code;
    }
  }
  return workspace.write(`${type}_${store}.onnx`, toBinary(ModelProtoSchema, model));
}

const wordOf = (f: number): number => new Uint32Array(Float32Array.of(f).buffer)[0];

/** Toward zero; numbers too small for the type become 0. */
function halfOf(f: number): number {
  const word = wordOf(f);
  const exponent = ((word >>> 23) & 0xff) - 127 + 15;
  const sign = (word >>> 16) & 0x8000;
  return exponent <= 0 ? sign : sign | (exponent << 10) | ((word >>> 13) & 0x3ff);
}

describe('16-bit models are analysed as float32 models of the same weights', () => {
  for (const type of ['float16', 'bfloat16'] as const) {
    test(type, async () => {
      const run = (model: string) => analyze({ ...defaultOptions, model, data, eigenvalues: 0, samples: 64 });
      const [stored, plain] = [await run(rounded(type, true)), await run(rounded(type, false))];
      assert.equal(stored.loss, plain.loss);
      assert.ok(stored.loss! > 0.01 && stored.loss! < 0.1);
      assert.deepEqual(
        stored.layers.map(l => l.trace),
        plain.layers.map(l => l.trace),
      );
      assert.deepEqual(
        stored.layers.map(l => l.currentBits),
        [16, 16, 16],
      );
      assert.ok(plain.layers.every(l => l.currentBits === undefined));
    });
  }
});

describe('models that compute in integers are refused before anything runs', () => {
  for (const [opType, domain] of [
    ['QLinearMatMul', ''],
    ['MatMulInteger', ''],
    ['ConvInteger', ''],
    ['DynamicQuantizeLinear', ''],
    ['MatMulNBits', 'com.microsoft'],
    ['QGemm', 'com.microsoft'],
  ]) {
    test(opType, () => {
      const graph = makeGraph([input('x', 1, 2)], { w: float32Tensor([2, 2], [1, 2, 3, 4]) }, [
        ['MatMul', ['x', 'w'], 'h'],
        [opType, ['h'], 'y', {}, domain],
      ]);
      assert.throws(
        () => requireLayers(openModel(workspace.model('integer.onnx', graph))),
        curvatureError(
          'model-unsupported',
          new RegExp(
            `integer\\.onnx is quantized already .*: ${opType} \\(1\\)\\. Integer arithmetic has no derivative`,
          ),
        ),
      );
    });
  }
});
