import { consumersOf, type Graph } from '../graph/graph';
import { ancestors } from '../graph/topology';
import { isFloat, type Tensor } from '../onnx/tensor';

/**
 * Float constants that are settings of a model and no weights, as far as that can be told for sure: exporters write them down as they
 * do weights.
 * @param graph with all floats as float32
 */
export const findSettings = (graph: Graph): Set<string> =>
  new Set([...frequencies(graph), ...waveTables(graph), ...scalesOfGroups(graph)]);

const isMany = (tensor: Tensor): boolean => tensor.elemType === 'float32' && tensor.data.length >= 2;

/** Frequencies of sines and cosines of positions, as rotary embeddings have them: what the waves are made of depends on no floats but these. */
function frequencies(graph: Graph): string[] {
  const floats = new Set(graph.inputs.filter(i => isFloat(i.elemType)).map(i => i.name));
  const inWaves = new Set<string>();
  for (const node of graph.nodes) {
    if (node.opType !== 'Sin' && node.opType !== 'Cos') continue;
    const needed = ancestors(graph.nodes, node.inputs);
    const own = [...needed].filter(name => {
      const constant = graph.initializers.get(name);
      return constant !== undefined && isMany(constant);
    });
    // Two constants may be a table of weights and the matrix behind it.
    if (own.length !== 1 || [...needed].some(name => floats.has(name))) continue;
    for (const name of needed) inWaves.add(name);
  }
  const consumers = consumersOf(graph.nodes);
  return [...graph.initializers]
    .filter(([name, t]) => isMany(t) && inWaves.has(name))
    .map(([name]) => name)
    .filter(name => (consumers.get(name) ?? []).every(n => n.outputs.every(o => inWaves.has(o))));
}

/** Numbers near 1 are off by 2⁻¹² in half precision, and the sum of three rows, the middle one twice, by up to six times that. */
const WAVE_TOLERANCE = 2e-3;
/** A column that moves less than this from row to row could be any constant. */
const LEAST_WAVE = 0.1;

/** Tables whose rows are sines and cosines of 0, 1, 2, … times a frequency per column: rotary tables and fixed encodings of positions. */
const waveTables = ({ initializers }: Graph): string[] =>
  [...initializers].filter(([, t]) => isMany(t) && isWaveTable(t)).map(([name]) => name);

function isWaveTable(tensor: Tensor): boolean {
  const width = tensor.shape.at(-1) ?? 0;
  const rows = tensor.shape.at(-2) ?? 0;
  if (rows < 4 || width < 2 || rows * width !== tensor.data.length) return false;
  // Row 0 is cos 0 or sin 0: this settles it for nearly all weights.
  for (let i = 0; i < width; i++)
    if (Number(tensor.data[i]) !== 0 && Number(tensor.data[i]) !== 1) return false;
  let isMoving = false;
  for (let column = 0; column < width; column++) {
    const at = (row: number): number => Number(tensor.data[row * width + column]);
    // cos φ of the step from row to row, whose angle is at most 1.
    const cosine = at(0) === 1 ? at(1) : Math.sqrt(Math.max(0, 1 - at(1) ** 2));
    for (let row = 1; row + 1 < rows; row++)
      if (!(Math.abs(at(row + 1) + at(row - 1) - 2 * cosine * at(row)) <= WAVE_TOLERANCE)) return false;
    isMoving ||= Math.abs(at(1) - at(0)) > LEAST_WAVE;
  }
  return isMoving;
}

/** Ones and zeros for an InstanceNormalization that stands for one over groups of channels, whose own scale and bias come behind it. */
function scalesOfGroups({ nodes, initializers }: Graph): string[] {
  const reshaped = new Set(nodes.filter(n => n.opType === 'Reshape').map(n => n.outputs[0]));
  const isAll = (name: string, value: number): boolean =>
    initializers.get(name)?.data.every((v: number | bigint) => Number(v) === value) === true;
  return nodes.flatMap(({ opType, inputs: [x, scale, bias] }) =>
    opType === 'InstanceNormalization' && reshaped.has(x) && isAll(scale, 1) && isAll(bias, 0)
      ? [scale, bias]
      : [],
  );
}
