import { CurvatureError } from '../errors';
import { numElements } from '../onnx/tensor';
import { type DataArray, type ElemType, isElemType } from './array';
import { convertArray, requireFiniteValues } from './convert';
import { openArrays, type ArrayFile } from './npz';

/** An input of the model. Axis 0 counts samples, whatever number the model states for it; one without axes has none. */
export interface InputSpec {
  readonly name: string;
  /** ONNX's name in lower case, such as `float32`. */
  readonly elemType: string;
  /** Numbers, names of symbolic dimensions, or null where nothing is known. */
  readonly shape: readonly (number | string | null)[];
}

export interface DatasetSpec {
  readonly inputs: readonly InputSpec[];
  /**
   * Name of the array of labels; without it, the first of `labels`, `targets`, `y`, `label` that there is.
   */
  readonly labels?: string;
  /** Use the first so many samples; all by default. */
  readonly samples?: number;
}

export interface Batch {
  readonly samples: number;
  readonly inputs: ReadonlyMap<string, DataArray>;
  readonly labels?: DataArray;
}

/** Checked samples: every array's axis 0 has `samples` entries. */
export interface Dataset extends Batch {
  /** Arrays of the file that are not used. */
  readonly ignored: readonly string[];
  /** Sentences about what was converted, renamed or left out. */
  readonly notes: readonly string[];
  /** Samples `start` … `start + count − 1`, fewer at the end; views, not copies. */
  batch(start: number, count: number): Batch;
}

const LABEL_NAMES = ['labels', 'targets', 'y', 'label'];
/** What people call the samples when they don't think of the model's own name; read where it has a single input. */
const SAMPLE_NAMES = ['inputs', 'input', 'x', 'X', 'data', 'images', 'image', 'samples', 'features'];

/**
 * Reads the model's inputs and the labels from an .npz or .npy file and checks them.
 *
 * Throws `data-unreadable` for a damaged file, and `data-mismatch` for missing arrays, wrong ranks,
 * dimensions or types, NaN and infinities, sample counts that differ, and no samples: each naming what was
 * found and what was expected.
 */
export function openDataset(bytes: Uint8Array, fileName: string, spec: DatasetSpec): Dataset {
  const file = openArrays(bytes, fileName);
  const notes: string[] = [];
  const labelsName = findLabels(file, fileName, spec);
  const sources = matchInputs(file, fileName, spec.inputs, labelsName, notes);

  const inputs = new Map<string, DataArray>();
  for (const input of spec.inputs) {
    const found = { ...file.read(sources.get(input.name) ?? input.name), name: input.name };
    const wanted = requireElemType(input);
    requireShape(found, input);
    const array = convertArray(found, wanted);
    if (found.dtype !== wanted)
      notes.push(`Array '${input.name}' was converted from ${found.dtype} to ${wanted}.`);
    requireFiniteValues(array);
    inputs.set(input.name, array);
  }
  requireEqualSymbols(inputs, spec.inputs);
  const labels = labelsName === undefined ? undefined : file.read(labelsName);
  if (labels) requireFiniteValues(labels);

  // An input without axes is the same for all samples.
  const batched = [...inputs.values()].filter(({ shape }) => shape.length > 0);
  if (batched.length === 0) throw mismatch('No input of the model has an axis of samples.');
  const available = requireSampleCount(labels ? [...batched, labels] : batched);
  if (spec.samples !== undefined && spec.samples > available) {
    notes.push(`${spec.samples} samples were asked for; the file holds ${available}, and all are used.`);
  }
  const used = new Set([...sources.values(), labelsName]);
  const ignored = file.names.filter(name => !used.has(name));
  if (ignored.length > 0) notes.push(`Not used from '${fileName}': ${quoted(ignored)}.`);
  return makeDataset(inputs, labels, Math.min(spec.samples ?? available, available), ignored, notes);
}

/** A dataset over arrays that are known to be right; arrays longer than `samples` are cut. */
export function makeDataset(
  inputs: ReadonlyMap<string, DataArray>,
  labels: DataArray | undefined,
  samples: number,
  ignored: readonly string[],
  notes: readonly string[],
): Dataset {
  const batch = (start: number, count: number): Batch => {
    const end = Math.min(start + count, samples);
    return {
      samples: end - start,
      inputs: new Map([...inputs].map(([name, array]) => [name, rows(array, start, end)])),
      labels: labels && rows(labels, start, end),
    };
  };
  return { ...batch(0, samples), ignored, notes, batch };
}

function rows(array: DataArray, start: number, end: number): DataArray {
  if (array.shape.length === 0) return array;
  const shape = [end - start, ...array.shape.slice(1)];
  const width = numElements(shape.slice(1));
  return { ...array, shape, data: array.data.subarray(start * width, end * width) };
}

function findLabels(file: ArrayFile, fileName: string, { inputs, labels }: DatasetSpec): string | undefined {
  if (labels === undefined) {
    return LABEL_NAMES.find(name => file.names.includes(name) && !inputs.some(input => input.name === name));
  }
  if (file.names.includes(labels)) return labels;
  throw mismatch(`'${fileName}' has no array '${labels}' for the labels; found: ${quoted(file.names)}.`);
}

/** Which array of the file feeds each input. */
function matchInputs(
  file: ArrayFile,
  fileName: string,
  inputs: readonly InputSpec[],
  labels: string | undefined,
  notes: string[],
): Map<string, string> {
  const candidates = file.names.filter(name => name !== labels);
  const missing = inputs.filter(input => !candidates.includes(input.name)).map(input => input.name);
  if (missing.length === 0) return new Map(inputs.map(input => [input.name, input.name]));
  const usual = candidates.filter(name => file.isSingle || SAMPLE_NAMES.includes(name));
  if (inputs.length === 1 && usual.length === 1) {
    notes.push(`Array '${usual[0]}' is taken as the model's only input, '${inputs[0].name}'.`);
    return new Map([[inputs[0].name, usual[0]]]);
  }
  throw mismatch(
    `'${fileName}' has no array for the model's ${missing.length === 1 ? 'input' : 'inputs'} ${quoted(missing)}; ` +
      `found: ${quoted(file.names)}.`,
    `Name the arrays as the model's inputs: np.savez("data.npz", **{"${missing[0]}": x}, labels=y).`,
  );
}

function requireElemType({ name, elemType }: InputSpec): ElemType {
  if (isElemType(elemType)) return elemType;
  throw new CurvatureError(
    'model-unsupported',
    `The model's input '${name}' is of type ${elemType}, which can't be fed from a file.`,
  );
}

function requireShape({ name, shape }: DataArray, input: InputSpec): void {
  const fits =
    shape.length === input.shape.length &&
    input.shape.every((dim, axis) => axis === 0 || typeof dim !== 'number' || dim === shape[axis]);
  const expected = input.shape.map((dim, axis) => (axis === 0 ? 'samples' : (dim ?? '?'))).join(', ');
  if (!fits)
    throw mismatch(`Array '${name}' has shape [${shape.join(', ')}]; the model expects [${expected}].`);
}

/** A symbolic dimension is one number wherever it stands; the one on axis 0 is the batch's and may differ. */
function requireEqualSymbols(arrays: ReadonlyMap<string, DataArray>, inputs: readonly InputSpec[]): void {
  const batchSymbols = new Set(inputs.map(input => input.shape[0]));
  const seen = new Map<string, { size: number; name: string }>();
  for (const { name, shape } of inputs) {
    shape.forEach((symbol, axis) => {
      if (typeof symbol !== 'string' || batchSymbols.has(symbol)) return;
      const size = arrays.get(name)?.shape[axis] ?? 0;
      const first = seen.get(symbol);
      if (!first) seen.set(symbol, { size, name });
      else if (first.size !== size) {
        throw mismatch(
          `Dimension '${symbol}' of the model is ${first.size} in array '${first.name}' and ${size} in '${name}'; they must agree.`,
        );
      }
    });
  }
}

function requireSampleCount(arrays: readonly DataArray[]): number {
  const counts = arrays.map(({ shape }) => shape.at(0));
  const [first] = counts;
  if (first === undefined || counts.some(count => count !== first)) {
    const found = arrays.map(({ name, shape }) => `'${name}' ${shape.at(0) ?? 'none'}`).join(', ');
    throw mismatch(
      `The arrays differ in their number of samples: ${found}.`,
      'Axis 0 of every array counts the samples.',
    );
  }
  if (first === 0) throw mismatch('The data hold no samples.');
  return first;
}

const quoted = (names: readonly string[]): string => names.map(name => `'${name}'`).join(', ');

const mismatch = (message: string, hint?: string): CurvatureError =>
  new CurvatureError('data-mismatch', message, hint);
