import { GraphBuilder, type Types } from '../graph/builder';
import { type Graph, intAttribute, type Node } from '../graph/graph';
import { float32Tensor, numElements, type Tensor, type TensorType } from '../onnx/tensor';
import { reshape, transpose } from '../ops/emit';
import { flippedInBlocks } from './flippedKernel';
import { cpuSession, Session } from './session';
import { FUSED_DOMAIN, turned } from './turned';

/**
 * Convolutions in ONNX Runtime's blocked layout. Its optimizer lays out constant weights only; a Conv whose weights are
 * fed, as tangents are, takes the slow way over unfolded windows. Here the weights are laid out in the graph, and the
 * Conv runs at the speed of a constant one. The operators are the runtime's own, of the domain that its optimizer uses.
 */
export const BLOCKED_DOMAIN = 'com.microsoft.nchwc';

/** Below this many output positions per weight the layout costs more than the Conv gains; a flipped kernel's costs less. */
const MIN_POSITIONS = 512;
const MIN_POSITIONS_FLIPPED = 128;

/**
 * The form of a Conv in blocks of `block` channels, where the layout has one: emits it, with the value `sum` (in blocks too)
 * added to its result, and gives its result in blocks.
 * @param isFed whether the kernel is no constant
 * @param unflipped what the kernel is the flipped form of, if it is one
 */
export function blockedConv(
  b: GraphBuilder,
  node: Node,
  types: Types,
  block: number,
  isFed: boolean,
  unflipped?: string,
): ((sum?: string) => string) | undefined {
  const [x, w] = [types.get(node.inputs[0])!.shape, types.get(node.inputs[1])!.shape];
  const y = types.get(node.outputs[0])!.shape;
  if (
    w.length !== 4 ||
    y[0] * y[2] * y[3] < (unflipped === undefined ? MIN_POSITIONS : MIN_POSITIONS_FLIPPED)
  )
    return undefined;
  const [outputs, inputs, ...kernel] = w;
  const group = intAttribute(node, 'group', 1);
  if (outputs % block !== 0) return undefined;
  const isDepthwise = inputs === 1 && group === outputs && x[1] === outputs;
  const isPlain = group === 1 && (inputs % block === 0 || inputs < block);
  if (!isDepthwise && !isPlain) return undefined;
  const spread = isPlain && inputs >= block;
  return sum =>
    b.within(`${node.name}/blocked`, () => {
      const weight =
        spread && unflipped !== undefined
          ? flippedInBlocks(b, unflipped, [inputs, outputs, ...kernel], block, isFed)
          : inBlocks(b, node.inputs[1], w, block, spread, isFed);
      const data =
        isDepthwise || spread ? b.add('ReorderInput', [node.inputs[0]], {}, BLOCKED_DOMAIN) : node.inputs[0];
      const operands = [data, weight, node.inputs[2] ?? '', sum ?? ''];
      while (operands.at(-1) === '') operands.pop();
      return b.add('Conv', operands, { ...node.attributes, kernel_shape: { ints: kernel } }, BLOCKED_DOMAIN);
    });
}

/** Gives the node's output, from a value in blocks. */
export function addFromBlocks(b: GraphBuilder, node: Node, blocked: string, types: Types): void {
  const channels = types.get(node.outputs[0])!.shape[1];
  b.addNode({
    ...node,
    opType: 'ReorderOutput',
    domain: BLOCKED_DOMAIN,
    inputs: [blocked],
    attributes: { channels: { int: channels } },
  });
}

/** A kernel in blocks of output channels, and of input channels where they are spread over blocks too; of the shape it had. */
function inBlocks(
  b: GraphBuilder,
  w: string,
  shape: readonly number[],
  block: number,
  spread: boolean,
  isFed: boolean,
): string {
  const [outputs, inputs, ...kernel] = shape as [number, number, ...number[]];
  const taps = numElements(kernel);
  const rows = outputs / block;
  if (!spread)
    return reshape(b, transpose(b, reshape(b, w, [], [rows, block, inputs * taps]), [0, 2, 1]), [], shape);
  // Whole rows of blocks are moved and a product turns each block: Transposes alone would be merged into a slow one.
  const moved = transpose(b, reshape(b, w, [], [rows, block, inputs / block, block * taps]), [0, 2, 1, 3]);
  const blocks = reshape(b, moved, [], [(rows * inputs) / block, block, block * taps]);
  const columns = reshape(
    b,
    turned(b, blocks, identity(b, block), 0, isFed),
    [],
    [(rows * inputs) / block, block, taps, block],
  );
  const byTap = transpose(b, columns, [0, 2, 1, 3]);
  return reshape(b, byTap, [], shape);
}

function identity(b: GraphBuilder, size: number): string {
  const matrix = new Float32Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * size + i] = 1;
  return b.constant(float32Tensor([size, size], matrix), 'identity');
}

/** ONNX Runtime's own choice, by the width of the processor's registers. */
const CANDIDATES = [16, 8, 4];
const CHANNELS = 32;
let found: Promise<number> | undefined;

/** How many channels a block has on this machine, found by trying; 0 where the blocked operators can't be used. */
export const blockSize = (): Promise<number> => (found ??= findBlockSize());

async function findBlockSize(): Promise<number> {
  const values = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(i + 1));
  // Large enough for the positions that the layout asks for.
  const side = 2 + Math.ceil(Math.sqrt(MIN_POSITIONS));
  const x = float32Tensor([1, CHANNELS, side, side], values(CHANNELS * side * side));
  const w = float32Tensor([CHANNELS, CHANNELS, 3, 3], values(CHANNELS * CHANNELS * 9));
  const expected = await convolve(x, w, 0);
  for (const block of CANDIDATES) {
    const result = await convolve(x, w, block).catch(() => undefined);
    if (result && expected?.every((e, i) => Math.abs(e - result[i]) < 1e-3)) return block;
  }
  return 0;
}

/** One Conv with fed weights; blocked where `block` is not 0. */
async function convolve(x: Tensor, w: Tensor, block: number): Promise<Float32Array | undefined> {
  const node: Node = {
    ...{ name: 'conv', opType: 'Conv', domain: '', inputs: ['x', 'w'], outputs: ['y'] },
    ...{ attributes: {}, captures: [], scope: '' },
  };
  const types: Types = new Map<string, TensorType>([
    ['x', x],
    ['w', w],
    ['y', { elemType: 'float32', shape: [1, CHANNELS, x.shape[2] - 2, x.shape[3] - 2] }],
  ]);
  const empty: Graph = {
    name: 'blocks',
    opsets: new Map([
      ['', 18],
      [BLOCKED_DOMAIN, 1],
      [FUSED_DOMAIN, 1],
    ]),
    inputs: [
      { name: 'x', ...x },
      { name: 'w', ...w },
    ],
    outputs: ['y'],
    initializers: new Map(),
    nodes: [],
  };
  const b = new GraphBuilder(empty, types);
  if (block === 0) b.addNode(node);
  else {
    const emit = blockedConv(b, node, types, block, true);
    if (!emit) return undefined;
    addFromBlocks(b, node, emit(), types);
  }
  const session = await Session.create(b.build(['y']), { ...cpuSession, threads: 1 });
  const { y } = await session.run({ x, w });
  await session.dispose();
  return y.data as Float32Array;
}
