import { FLOAT_BITS } from '../widths';
import { asJson, nodesOf, type Recipe, type RecipeInput, rounded } from './recipe';

const WIDTHS = [4, 8, 16];

/**
 * Arguments of `onnxruntime.quantization.quantize_static`: nodes that stay as they are, and a type for each weight. Types are
 * names, which `QuantType.from_string` reads.
 */
export function ortRecipe({ layers, options }: RecipeInput): Recipe {
  const { symmetric } = options;
  const quantized = layers.filter(({ bits }) => bits !== FLOAT_BITS);
  const overrides = quantized.map(({ layer, bits, isOneScale }) => {
    const width = WIDTHS.find(w => bits <= w)!;
    const axis = isOneScale ? {} : { axis: layer.channelAxis };
    return [layer.initializer, [{ quant_type: `Q${symmetric ? '' : 'U'}Int${width}`, symmetric, ...axis }]];
  });
  const recipe = {
    nodes_to_exclude: nodesOf(layers.filter(({ bits }) => bits === FLOAT_BITS)),
    extra_options: { TensorQuantOverrides: Object.fromEntries(overrides) as unknown },
  };
  const blocks =
    options.blockSize === undefined ? [] : ['quantize_static has no blocks; scales are per output channel.'];
  return { text: asJson(recipe), notes: [...rounded(layers, WIDTHS, 'quantize_static'), ...blocks] };
}
