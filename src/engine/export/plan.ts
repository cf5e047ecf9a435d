import type { ModelProto } from 'onnx-buf';
import type { Layer } from '../curvature/layers';
import { CurvatureError } from '../errors';
import type { Graph } from '../graph/graph';
import { chooseGranularity } from '../quantization/granularity';
import type { Granularity, Quantizer } from '../quantization/quantizer';
import { type Definitions, findDefinitions, type Place } from './definitions';
import { blockAxis, type MatrixUse, matrixUse, misreadInTwoBits } from './fit';
import { obstaclesTo, operatorSetOf } from './operatorSets';
import type { ExportOptions } from './options';

/** Blocks of MatMulNBits where none are asked for, as ONNX Runtime's own quantizer takes. */
const DEFAULT_BLOCK = 32;

/** How one weight will be stored. */
export interface WeightPlan {
  readonly layer: Layer;
  readonly place: Place;
  readonly quantizer: Quantizer;
  /** Width of the integers in the file: the next one that there is a type for. */
  readonly storedBits: number;
  /** Where MatMulNBits takes the weight; else a DequantizeLinear does. */
  readonly matrix?: MatrixUse;
  /** Domain of the DequantizeLinear. */
  readonly domain: string;
  readonly note?: string;
}

export interface ExportPlan {
  readonly weights: readonly WeightPlan[];
  /** Layers that stay as they are though other widths were asked for. */
  readonly kept: readonly { readonly layer: Layer; readonly reason: string }[];
  /** Of the written model. */
  readonly operatorSet: number;
  readonly notes: readonly string[];
}

/**
 * Decides how each weight is stored. The standard's DequantizeLinear is taken wherever the model's operator set has it for the
 * type, or can be raised to one that has; else ONNX Runtime's own, which takes 4 and 16 bits beside every set.
 * @param graph the same model, whose initializers are the weights in float32
 * @param widths 2 to 16 by layer
 * @throws CurvatureError `option-invalid` for blocks that nothing can hold
 */
export function planExport(
  model: ModelProto,
  graph: Graph,
  widths: ReadonlyMap<Layer, number>,
  currentBits: ReadonlyMap<string, number>,
  options: ExportOptions,
): ExportPlan {
  checkBlocks(options);
  const definitions = findDefinitions(model.graph!);
  const weights: WeightPlan[] = [];
  const kept: { layer: Layer; reason: string }[] = [];
  for (const [layer, bits] of widths) {
    const place = definitions.places.get(layer.initializer);
    const matrix = place && options.format !== 'qdq' ? matrixFor(layer, bits, place, definitions) : undefined;
    if (!place) kept.push({ layer, reason: whyNowhere(layer, model, currentBits) });
    else if (typeof matrix === 'string' && options.format === 'matmulnbits')
      kept.push({ layer, reason: matrix });
    else if (typeof matrix === 'object') weights.push(inMatrix(layer, bits, place, matrix, options));
    else weights.push(inDequantize(layer, bits, place, definitions, graph, options));
  }
  return { kept, ...withOperatorSet(model, weights) };
}

/** Domains that a plan's operators are of and that the model doesn't name yet. */
export function missingDomains({ opsetImport }: ModelProto, { weights }: ExportPlan): string[] {
  const named = new Set(['', ...opsetImport.map(o => o.domain)]);
  return [...new Set(weights.map(w => w.domain))].filter(domain => !named.has(domain));
}

function checkBlocks({ blockSize, format }: ExportOptions): void {
  if (blockSize === undefined) return;
  const isPower = blockSize >= 16 && (blockSize & (blockSize - 1)) === 0;
  if (blockSize >= 2 && (format === 'qdq' || isPower)) return;
  throw new CurvatureError(
    'option-invalid',
    `Blocks of ${blockSize} were asked for.`,
    'MatMulNBits takes powers of 2 from 16 on, such as 32 or 128; DequantizeLinear any size from 2 on.',
  );
}

function whyNowhere(layer: Layer, model: ModelProto, currentBits: ReadonlyMap<string, number>): string {
  const graph = model.graph!;
  const bits = currentBits.get(layer.initializer);
  if (bits !== undefined) return `it is in ${bits} bits already`;
  if (graph.sparseInitializer.some(s => s.values?.name === layer.initializer))
    return 'it is stored as a sparse tensor';
  if (graph.node.some(n => n.opType === 'ConstantOfShape' && n.output[0] === layer.initializer))
    return 'it is one number repeated, which takes no room';
  return model.functions.length > 0
    ? "it is inside a function of the model's own"
    : 'its name stands for several tensors';
}

const weightIn = (graph: Graph, { initializer }: Layer): Float32Array =>
  graph.initializers.get(initializer)!.data as Float32Array;

/** Files have integers of these widths. */
const storable = (bits: number): number => [2, 4, 8, 16].find(width => bits <= width)!;

const wider = (bits: number, stored: number): string | undefined =>
  bits === stored ? undefined : `${bits} bits are stored in ${stored}`;

function matrixFor(layer: Layer, bits: number, place: Place, definitions: Definitions): MatrixUse | string {
  return bits > 8 ? 'MatMulNBits holds 8 bits at most' : matrixUse(layer, place, definitions);
}

function inMatrix(
  layer: Layer,
  bits: number,
  place: Place,
  matrix: MatrixUse,
  { symmetric, range, blockSize = DEFAULT_BLOCK }: ExportOptions,
): WeightPlan {
  const granularity: Granularity = { kind: 'block', axis: matrix.summedAxis, size: blockSize };
  const storedBits = storable(bits);
  const quantizer = { bits, symmetric, range, granularity };
  return {
    layer,
    place,
    matrix,
    quantizer,
    storedBits,
    domain: 'com.microsoft',
    note: wider(bits, storedBits),
  };
}

function inDequantize(
  layer: Layer,
  bits: number,
  place: Place,
  definitions: Definitions,
  graph: Graph,
  { symmetric, range, granularity: choice, blockSize }: ExportOptions,
): WeightPlan {
  const axis = blockSize === undefined ? undefined : blockAxis(layer);
  const granularity: Granularity =
    axis !== undefined
      ? { kind: 'block', axis, size: blockSize! }
      : chooseGranularity(
          { name: layer.name, shape: layer.shape, data: weightIn(graph, layer) },
          layer.channelAxis,
          choice,
          { bits, symmetric, range },
        );
  const isMisread = bits === 2 && misreadInTwoBits(layer, definitions);
  const storedBits = isMisread ? 4 : storable(bits);
  const note = isMisread
    ? '2 bits are stored in 4: ONNX Runtime misreads such matrices in 2'
    : wider(bits, storedBits);
  return { layer, place, quantizer: { bits, symmetric, range, granularity }, storedBits, domain: '', note };
}

/** The first operator set whose DequantizeLinear reads a weight as planned. */
function setFor({ matrix, storedBits, quantizer: { granularity } }: WeightPlan): number {
  if (matrix) return 1;
  if (storedBits === 2) return 25;
  if (storedBits !== 8 || granularity.kind === 'block') return 21;
  return granularity.kind === 'channel' ? 13 : 10;
}

function withOperatorSet(
  model: ModelProto,
  weights: readonly WeightPlan[],
): Pick<ExportPlan, 'weights' | 'operatorSet' | 'notes'> {
  const own = operatorSetOf(model);
  const needed = Math.max(...weights.map(setFor));
  if (needed <= own) return { weights, operatorSet: own, notes: [] };
  const obstacles = obstaclesTo(model, needed);
  if (obstacles.length === 0) {
    const notes = [
      `The operator set is raised from ${own} to ${needed}; no operator computes anything else there.`,
    ];
    return { weights, operatorSet: needed, notes };
  }
  const inTheWay = obstacles.join(', ');
  if (needed === 25) {
    const note = `2 bits are stored in 4: operator set 25 would be needed, and ${inTheWay} can't be brought there`;
    const inFour = weights.map(w => (setFor(w) === 25 ? { ...w, storedBits: 4, note } : w));
    return withOperatorSet(model, inFour);
  }
  if (weights.some(w => setFor(w) > own && w.quantizer.granularity.kind === 'block')) {
    throw new CurvatureError(
      'option-invalid',
      `Blocks need operator set 21; the model is in ${own}, and ${inTheWay} can't be brought there.`,
      "Leave the block size out, choose the format 'auto', or export the model anew with operator set 21.",
    );
  }
  const contrib = weights.map(w => (setFor(w) > own ? { ...w, domain: 'com.microsoft' } : w));
  const notes = [
    `Operator set ${needed} would be needed, and ${inTheWay} can't be brought there from ${own}: DequantizeLinear is ONNX Runtime's own (com.microsoft).`,
  ];
  return { weights: contrib, operatorSet: own, notes };
}
