import path from 'node:path';
import { FLOAT_BITS } from '../widths';
import { asJson, nodesOf, type Recipe, type RecipeInput, rounded } from './recipe';

const WIDTHS = [4, 8];
const DEFAULT_BLOCK = 32;

/**
 * A configuration of Olive's workflow: one pass of OnnxBlockWiseRtnQuantization to a width, on the nodes that have it. That pass
 * makes MatMulNBits and GatherBlockQuantized.
 */
export function oliveRecipe({ model, layers, options }: RecipeInput): Recipe {
  const { symmetric, blockSize = DEFAULT_BLOCK } = options;
  const quantized = layers.filter(({ bits }) => bits !== FLOAT_BITS);
  const widthOf = (bits: number): number | undefined => WIDTHS.find(w => bits <= w);
  // Its embeddings are of 4 bits only.
  const isTaken = ({ layer, bits }: (typeof layers)[number]): boolean =>
    (layer.opType === 'MatMul' && layer.shape.length === 2 && bits <= 8) ||
    (layer.opType === 'Gather' && bits <= 4);
  const taken = quantized.filter(isTaken);
  const passes = WIDTHS.flatMap(width => {
    const nodes = nodesOf(taken.filter(({ bits }) => widthOf(bits) === width));
    const pass = {
      type: 'OnnxBlockWiseRtnQuantization',
      ...{ bits: width, block_size: blockSize, is_symmetric: symmetric, nodes_to_include: nodes },
    };
    return nodes.length === 0 ? [] : [[`rtn_${width}bit`, pass] as const];
  });
  const left = quantized.filter(l => !isTaken(l)).map(({ layer, bits }) => `${layer.name} (${bits})`);
  const recipe = {
    input_model: { type: 'ONNXModel', model_path: model },
    passes: Object.fromEntries(passes),
    output_dir: `${path.basename(model, '.onnx')}-olive`,
  };
  const notes =
    left.length === 0
      ? []
      : [
          `Olive's pass for weights alone takes MatMul to 8 bits and Gather to 4; these stay as they are: ${left.join(', ')}.`,
        ];
  return { text: asJson(recipe), notes: [...rounded(taken, WIDTHS, "Olive's pass"), ...notes] };
}
