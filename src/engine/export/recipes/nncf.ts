import { FLOAT_BITS } from '../widths';
import { asJson, nodesOf, type Recipe, type RecipeInput, rounded } from './recipe';

const WIDTHS = [4, 8];

/**
 * Arguments of NNCF: of `quantize`, the nodes that stay as they are; of `compress_weights`, one call to a width, which ignores the
 * nodes of all others. `ignored_scope` holds the fields of `nncf.IgnoredScope`, `mode` a value of `CompressWeightsMode`.
 */
export function nncfRecipe({ layers, options }: RecipeInput): Recipe {
  const suffix = options.symmetric ? 'sym' : 'asym';
  const widthOf = (bits: number): number | undefined => WIDTHS.find(w => bits <= w);
  const ignoring = (width: number | undefined): { names: string[] } => ({
    names: nodesOf(layers.filter(({ bits }) => widthOf(bits) !== width)),
  });
  const calls = WIDTHS.filter(width => layers.some(({ bits }) => widthOf(bits) === width)).map(width => ({
    mode: `int${width}_${suffix}`,
    // In 4 bits some layers would stay at 8 otherwise.
    ...(width === 4 ? { ratio: 1, all_layers: true, group_size: options.blockSize ?? -1 } : {}),
    ignored_scope: ignoring(width),
  }));
  const recipe = {
    quantize: { ignored_scope: { names: nodesOf(layers.filter(({ bits }) => bits === FLOAT_BITS)) } },
    compress_weights: calls,
  };
  const wide = layers.filter(({ bits }) => bits > 8 && bits !== FLOAT_BITS).map(({ layer }) => layer.name);
  const notes =
    wide.length === 0
      ? []
      : [`NNCF compresses to 8 bits at most; these stay as they are: ${wide.join(', ')}.`];
  const narrow = layers.filter(({ bits }) => bits <= 8);
  return { text: asJson(recipe), notes: [...rounded(narrow, WIDTHS, 'NNCF'), ...notes] };
}
