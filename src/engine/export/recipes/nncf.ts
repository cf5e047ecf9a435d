import type { Layer } from '../../curvature/layers';
import { FLOAT_BITS } from '../widths';
import { asJson, nodesOf, type Recipe, type RecipeInput, type RecipeLayer, rounded } from './recipe';

const WIDTHS = [4, 8];
const INT4_OPSET = 21;

/**
 * Arguments of NNCF: of `quantize`, the nodes that stay as they are; of `compress_weights`, one call to a width, which ignores the
 * nodes of all others. `ignored_scope` holds the fields of `nncf.IgnoredScope`, `mode` a value of `CompressWeightsMode`. The call for
 * 4 bits comes last: before operator set 21 it makes MatMulNBits of blocks, and no call reads such a file.
 */
export function nncfRecipe({ opset, layers, options }: RecipeInput): Recipe {
  const { symmetric, blockSize } = options;
  const suffix = symmetric ? 'sym' : 'asym';
  const widthOf = ({ layer, bits }: RecipeLayer): number | undefined =>
    isConvolution(layer) && bits <= 8 ? 8 : WIDTHS.find(w => bits <= w);
  const ofWidth = (width: number): RecipeLayer[] => layers.filter(l => widthOf(l) === width);
  const calls = [8, 4]
    .filter(width => ofWidth(width).length > 0)
    .map(width => ({
      mode: `int${width}_${suffix}`,
      // In 4 bits some layers would stay at 8 otherwise.
      ...(width === 4 ? { ratio: 1, all_layers: true, group_size: blockSize ?? -1 } : {}),
      ignored_scope: { names: nodesOf(layers.filter(l => widthOf(l) !== width)) },
    }));
  const recipe = {
    quantize: { ignored_scope: { names: nodesOf(layers.filter(({ bits }) => bits === FLOAT_BITS)) } },
    compress_weights: calls,
  };
  const narrow = layers.filter(({ bits }) => bits <= 8);
  const [convolutions, others] = [true, false].map(is =>
    narrow.filter(({ layer }) => isConvolution(layer) === is),
  );
  const wide = layers.filter(({ bits }) => bits > 8 && bits !== FLOAT_BITS).map(({ layer }) => layer.name);
  const needsOpset = ofWidth(4).length > 0 && opset < INT4_OPSET;
  const notes = [
    ...rounded(others, WIDTHS, 'NNCF'),
    ...rounded(convolutions, [8], 'For convolutions NNCF'),
    ...(wide.length > 0
      ? [`NNCF compresses to 8 bits at most; these stay as they are: ${wide.join(', ')}.`]
      : []),
    ...(needsOpset
      ? [
          `NNCF writes int4 whatever the operator set, and this model has ${opset}: raise it to ${INT4_OPSET} first, with onnx.version_converter.convert_version.`,
        ]
      : []),
  ];
  return { text: asJson(recipe), notes };
}

const isConvolution = ({ opType }: Layer): boolean => /^Conv/.test(opType);
