import { CurvatureError } from '../errors';
import { numElements } from '../onnx/tensor';
import {
  type DataArray,
  type ElemType,
  type InputArray,
  isElemType,
  moveAxis,
  type SampleAxis,
} from './array';
import { convertArray, requireFiniteValues } from './convert';
import { openArrays, type ArrayFile } from './npz';
import { sampleAxes } from './sampleAxes';

/** An input of the model. Its axis of samples is of any length, whatever number the model states for it. */
export interface InputSpec {
  readonly name: string;
  /** ONNX's name in lower case, such as `float32`. */
  readonly elemType: string;
  /** Numbers, names of symbolic dimensions, or null where nothing is known. */
  readonly shape: readonly (number | string | null)[];
}

export interface DatasetSpec {
  readonly inputs: readonly InputSpec[];
  /** Where each input has its samples; told from the shapes by default. */
  readonly axes?: ReadonlyMap<string, SampleAxis>;
  /**
   * Name of the array of labels; without it, the first of `labels`, `targets`, `y`, `label` that there is.
   */
  readonly labels?: string;
  /** Leave out so many samples at the beginning; none by default. */
  readonly skip?: number;
  /** Use the first so many samples, of those that are not skipped; all by default. */
  readonly samples?: number;
}

export interface Batch {
  readonly samples: number;
  readonly inputs: ReadonlyMap<string, InputArray>;
  readonly labels?: DataArray;
}

/** Checked samples: axis 0 of every array that has samples has `samples` entries. */
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

  const axes = spec.axes ?? sampleAxes(spec.inputs);
  const found = new Map<string, DataArray>();
  for (const input of spec.inputs) {
    const stored = { ...file.read(sources.get(input.name) ?? input.name), name: input.name };
    const wanted = requireElemType(input);
    requireShape(stored, input, axes.get(input.name) ?? null);
    const array = convertArray(stored, wanted);
    if (stored.dtype !== wanted)
      notes.push(`Array '${input.name}' was converted from ${stored.dtype} to ${wanted}.`);
    requireFiniteValues(array);
    const lacksAxis = axes.get(input.name) === 'whole' && array.shape.length === input.shape.length;
    found.set(input.name, lacksAxis ? asOneSample(array) : array);
  }
  requireEqualSymbols(found, spec.inputs, axes);

  const counted = [...found.values()].flatMap(({ name, shape }): Counted[] => {
    const axis = axes.get(name) ?? null;
    const own = axis === 'whole' ? 0 : axis;
    return own === null ? [] : [{ name, axis: own, samples: shape[own] }];
  });
  if (counted.length === 0) throw mismatch('No input of the model has an axis of samples.');
  const stored = labelsName === undefined ? undefined : file.read(labelsName);
  if (stored) requireFiniteValues(stored);
  const isWhole = [...axes.values()].includes('whole');
  const isLone = isWhole && counted.every(({ samples }) => samples === 1);
  const labels = stored && isLone && stored.shape[0] !== 1 ? asOneSample(stored) : stored;
  const ofLabels = labels ? [{ name: labels.name, axis: 0, samples: labels.shape.at(0) }] : [];
  const all = requireSampleCount([...counted, ...ofLabels], isWhole);
  const skip = spec.skip ?? 0;
  if (skip >= all)
    throw mismatch(`${skip} samples are to be skipped, and the data hold ${all}: none is left.`);
  const available = all - skip;
  const inputs = new Map(
    [...found].map(([name, array]): [string, InputArray] => {
      const sampleAxis = axes.get(name) ?? null;
      const laid = moveAxis(array, typeof sampleAxis === 'number' ? sampleAxis : 0, 0);
      return [name, { ...(sampleAxis === null ? laid : rows({ ...array, ...laid }, skip, all)), sampleAxis }];
    }),
  );
  if (spec.samples !== undefined && spec.samples > available) {
    const after = skip > 0 ? ` after the ${skip} skipped` : '';
    notes.push(
      `${spec.samples} samples were asked for; the file holds ${available}${after}, and all are used.`,
    );
  }
  const used = new Set([...sources.values(), labelsName]);
  const ignored = file.names.filter(name => !used.has(name));
  if (ignored.length > 0) notes.push(`Not used from '${fileName}': ${quoted(ignored)}.`);
  return makeDataset(
    inputs,
    labels && rows(labels, skip, all),
    Math.min(spec.samples ?? available, available),
    ignored,
    notes,
  );
}

/** A dataset over arrays that are known to be right; arrays longer than `samples` are cut. */
export function makeDataset(
  inputs: ReadonlyMap<string, InputArray>,
  labels: DataArray | undefined,
  samples: number,
  ignored: readonly string[],
  notes: readonly string[],
): Dataset {
  const batch = (start: number, count: number): Batch => {
    const end = Math.min(start + count, samples);
    return {
      samples: end - start,
      inputs: new Map(
        [...inputs].map(([name, array]) => [
          name,
          array.sampleAxis === null ? array : rows(array, start, end),
        ]),
      ),
      labels: labels && rows(labels, start, end),
    };
  };
  return { ...batch(0, samples), ignored, notes, batch };
}

function rows<T extends DataArray>(array: T, start: number, end: number): T {
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

function requireShape({ name, shape }: DataArray, input: InputSpec, sampleAxis: SampleAxis): void {
  const hasFront = sampleAxis === 'whole' && shape.length === input.shape.length + 1;
  const own = hasFront ? shape.slice(1) : shape;
  const fits =
    own.length === input.shape.length &&
    input.shape.every((dim, axis) => axis === sampleAxis || typeof dim !== 'number' || dim === own[axis]);
  const expected = input.shape
    .map((dim, axis) => (axis === sampleAxis ? 'samples' : (dim ?? '?')))
    .join(', ');
  const several = sampleAxis === 'whole' ? `, or [samples, ${expected}] for several samples` : '';
  if (!fits) {
    throw mismatch(
      `Array '${name}' has shape [${shape.join(', ')}]; the model expects [${expected}]${several}.`,
    );
  }
}

/** With an axis in front that counts the samples, of which there is one. */
const asOneSample = (array: DataArray): DataArray => ({ ...array, shape: [1, ...array.shape] });

/** A symbolic dimension is one number wherever it stands; the batch's may differ. */
function requireEqualSymbols(
  arrays: ReadonlyMap<string, DataArray>,
  inputs: readonly InputSpec[],
  axes: ReadonlyMap<string, SampleAxis>,
): void {
  const isBatch = (name: string, axis: number): boolean => axes.get(name) === axis;
  const batchSymbols = new Set(
    inputs.flatMap(({ name, shape }) => shape.filter((_, axis) => isBatch(name, axis))),
  );
  const seen = new Map<string, { size: number; name: string }>();
  for (const { name, shape } of inputs) {
    shape.forEach((symbol, axis) => {
      if (typeof symbol !== 'string' || batchSymbols.has(symbol)) return;
      const size = arrays.get(name)?.shape[axes.get(name) === 'whole' ? axis + 1 : axis] ?? 0;
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

interface Counted {
  readonly name: string;
  readonly axis: number;
  readonly samples: number | undefined;
}

function requireSampleCount(arrays: readonly Counted[], isWhole: boolean): number {
  const [{ samples: first }] = arrays;
  if (first === undefined || arrays.some(({ samples }) => samples !== first)) {
    const found = arrays.map(({ name, samples }) => `'${name}' ${samples ?? 'none'}`).join(', ');
    const others = arrays
      .filter(({ axis }) => axis !== 0)
      .map(({ name, axis }) => `axis ${axis} of '${name}'`);
    throw mismatch(
      `The arrays differ in their number of samples: ${found}.`,
      isWhole
        ? 'The inputs together are one sample. Give all arrays, labels too, one more axis in front that counts several samples, or none of them.'
        : others.length === 0
          ? 'Axis 0 of every array counts the samples.'
          : `Axis 0 counts the samples, but ${others.join(', ')}.`,
    );
  }
  if (first === 0) throw mismatch('The data hold no samples.');
  return first;
}

const quoted = (names: readonly string[]): string => names.map(name => `'${name}'`).join(', ');

const mismatch = (message: string, hint?: string): CurvatureError =>
  new CurvatureError('data-mismatch', message, hint);
