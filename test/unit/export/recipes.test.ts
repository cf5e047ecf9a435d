import assert from 'node:assert/strict';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { exportRecipe } from '../../../src/engine/analysis/exportRecipe';
import { defaultExportOptions } from '../../../src/engine/export/options';
import type { RecipeTool } from '../../../src/engine/export/recipes/recipe';
import { float32Tensor, numElements, type Tensor } from '../../../src/engine/onnx/tensor';
import { input, makeGraph, Workspace } from '../../support/models';

const workspace = new Workspace();
after(() => workspace.remove());

const ones = (...shape: number[]): Tensor =>
  float32Tensor(shape, new Float32Array(numElements(shape)).fill(1));

/** Channels, along the second axis, each of one number: scales of their own leave no error, and a common one does. */
const unlike = float32Tensor(
  [6, 6],
  Float32Array.from({ length: 36 }, (_, i) => 1 + (i % 6)),
);

const q = 'model.layers.3.self_attn.q_proj.weight';
const down = 'model.layers.3.mlp.down_proj.weight';
const model = workspace.model(
  'decoder.onnx',
  makeGraph(
    [input('x', 2, 6)],
    { [q]: unlike, [down]: ones(6, 6), 'lm_head.weight': ones(9, 6), odd: ones(9, 9) },
    [
      ['MatMul', ['x', q], 'a'],
      ['MatMul', ['a', down], 'b'],
      ['Gemm', ['b', 'lm_head.weight'], 'c', { transB: { int: 1 } }],
      ['MatMul', ['c', 'odd'], 'y'],
    ],
  ),
);
const widths = { [q]: 4, [down]: 8, 'lm_head.weight': 6 };
const recipe = (tool: RecipeTool, bits: Record<string, number> = widths) =>
  exportRecipe(model, bits, defaultExportOptions, tool);

describe('recipes', () => {
  test('quantize_static gets the nodes that stay, and for each weight a type and the axis of its scales', () => {
    const { text, notes } = recipe('ort');
    assert.deepEqual(JSON.parse(text), {
      nodes_to_exclude: ['y'],
      extra_options: {
        TensorQuantOverrides: {
          [q]: [{ quant_type: 'QInt4', symmetric: true, axis: 1 }],
          [down]: [{ quant_type: 'QInt8', symmetric: true, axis: 1 }],
          'lm_head.weight': [{ quant_type: 'QInt8', symmetric: true }],
        },
      },
    });
    assert.deepEqual(notes, [
      'quantize_static has 4, 8, 16 bits; the next of these stands for: lm_head.weight (6).',
    ]);
  });

  test('Olive gets a pass to a width, and is not told of what its pass leaves alone', () => {
    const { text, notes } = recipe('olive');
    const { passes } = JSON.parse(text) as { passes: Record<string, Record<string, unknown>> };
    const told = Object.values(passes).map(p => [p.type, p.bits, p.nodes_to_include]);
    assert.deepEqual(told, [
      ['OnnxBlockWiseRtnQuantization', 4, ['a']],
      ['OnnxBlockWiseRtnQuantization', 8, ['b']],
    ]);
    assert.match(notes.join(), /stay as they are: lm_head\.weight \(6\)/);
  });

  test('NNCF gets a call to a width that ignores all other nodes', () => {
    const found = JSON.parse(recipe('nncf').text) as Record<string, unknown>;
    assert.deepEqual(found.quantize, { ignored_scope: { names: ['y'] } });
    assert.deepEqual(found.compress_weights, [
      { mode: 'int8_sym', ignored_scope: { names: ['a', 'y'] } },
      {
        ...{ mode: 'int4_sym', ratio: 1, all_layers: true, group_size: -1 },
        ignored_scope: { names: ['b', 'c', 'y'] },
      },
    ]);
  });

  test('NNCF, which compresses convolutions to 8 bits, is asked for these, and for operator set 21 where it writes int4', () => {
    const sample = path.resolve('media/sample/digits_cnn.onnx');
    const bits = { 'conv1.weight': 4, 'fc1.weight': 4, 'fc2.weight': 8 };
    const { text, notes } = exportRecipe(sample, bits, defaultExportOptions, 'nncf');
    const { compress_weights: calls } = JSON.parse(text) as {
      compress_weights: { mode: string; ignored_scope: { names: string[] } }[];
    };
    assert.deepEqual(
      calls.map(({ mode, ignored_scope: { names } }) => [
        mode,
        ['/conv1/Conv', '/fc1/Gemm', '/fc2/Gemm'].filter(name => !names.includes(name)),
      ]),
      [
        ['int8_sym', ['/conv1/Conv', '/fc2/Gemm']],
        ['int4_sym', ['/fc1/Gemm']],
      ],
    );
    assert.match(notes.join('\n'), /^For convolutions NNCF has 8 bits.*: conv1\.weight \(4\)\.$/m);
    assert.match(notes.join('\n'), /this model has 17: raise it to 21 first/);
  });

  test('llama.cpp gets patterns of the names in GGUF files, one to a line and nothing else', () => {
    const { text, notes } = recipe('llama.cpp', { ...widths, [q]: 3 });
    assert.deepEqual(text.split('\n'), [
      '^blk\\.3\\.attn_q\\.weight$=q3_K',
      '^blk\\.3\\.ffn_down\\.weight$=q8_0',
      '^output\\.weight$=q6_K',
      '^odd$=f32',
      '',
    ]);
    assert.match(notes.join(), /not known.*: odd\./);
  });
});
