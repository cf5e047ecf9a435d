// The folder that the tests open: the sample, copies of it with data that doesn't fit, and files that are no models.
import { strFromU8, unzipSync, zipSync } from 'fflate';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const sample = path.resolve('media/sample/digits_cnn');

export function makeWorkspace(folder) {
  mkdirSync(folder, { recursive: true });
  const at = name => path.join(folder, name);
  const model = readFileSync(`${sample}.onnx`);
  const arrays = unzipSync(readFileSync(`${sample}.npz`));
  const twin = (name, data) => {
    writeFileSync(at(`${name}.onnx`), model);
    writeFileSync(at(`${name}.npz`), zipSync(data));
  };
  copyFileSync(`${sample}.onnx`, at('digits_cnn.onnx'));
  copyFileSync(`${sample}.npz`, at('digits_cnn.npz'));
  twin(
    'wrong_names',
    Object.fromEntries(Object.entries(arrays).map(([name, data]) => [`other_${name}`, data])),
  );
  twin('wrong_labels', { ...arrays, 'labels.npy': withFirstByte(arrays['labels.npy'], 77) });
  twin('killed', arrays);
  twin('cancelled', arrays);
  twin('resumed', arrays);
  twin('unknown_operator', arrays);
  writeFileSync(at('unknown_operator.onnx'), withUnknownOperator(model));
  writeFileSync(at('truncated.onnx'), model.subarray(0, Math.floor(model.length / 2)));
  writeFileSync(at('text.onnx'), 'This is a text and no model.\n');
  // Too few bits for most layers; it is checked by the report of the analysis.
  const bits = Object.fromEntries(['conv1', 'conv2', 'fc1', 'fc2'].map(layer => [`${layer}.weight`, 2]));
  writeFileSync(at('low.bits.json'), `${JSON.stringify({ model: 'digits_cnn.onnx', bits }, null, 2)}\n`);
  for (const bad of ['truncated', 'text']) copyFileSync(`${sample}.npz`, at(`${bad}.npz`));
  return folder;
}

/** The model with its last Relu called Rely, an operator that nobody knows; field 4 of a node is its operator. */
function withUnknownOperator(model) {
  const changed = Buffer.from(model);
  const at = changed.lastIndexOf('\x22\x04Relu', undefined, 'latin1');
  if (at < 0) throw new Error('The sample has no Relu');
  changed.write('Rely', at + 2, 'latin1');
  return changed;
}

/** An array of little-endian integers with another first element, below 128. */
function withFirstByte(npy, value) {
  const changed = npy.slice();
  const header = changed[8] + 256 * changed[9];
  const type = /'descr': '(\S+)'/.exec(strFromU8(npy.subarray(10, 10 + header)))?.[1];
  if (!/^[<|][iu]/.test(type ?? '')) throw new Error(`The sample's labels are ${type}, not integers`);
  changed[10 + header] = value;
  return changed;
}
