import type { Layer } from '../curvature/layers';
import type { ExportOptions } from '../export/options';
import { llamaCppRecipe } from '../export/recipes/llamaCpp';
import { nncfRecipe } from '../export/recipes/nncf';
import { oliveRecipe } from '../export/recipes/olive';
import { ortRecipe } from '../export/recipes/ort';
import type { Recipe, RecipeInput, RecipeTool } from '../export/recipes/recipe';
import { FLOAT_BITS, widthsOf } from '../export/widths';
import { readModelFile } from '../onnx/read';
import { chooseGranularity } from '../quantization/granularity';
import { type Model, openModel, requireLayers } from './model';
import { weightOf } from './quantizedLayers';

const recipes: Readonly<Record<RecipeTool, (input: RecipeInput) => Recipe>> = {
  ort: ortRecipe,
  olive: oliveRecipe,
  nncf: nncfRecipe,
  'llama.cpp': llamaCppRecipe,
};

/**
 * What another tool takes to quantize a model to these widths itself. Throws as `exportQuantized` does.
 * @param bits widths by layer, or one for all; layers that are not named keep their floats
 */
export function exportRecipe(
  file: string,
  bits: Readonly<Record<string, number>> | number,
  options: ExportOptions,
  tool: RecipeTool,
): Recipe {
  const opened = openModel(file);
  requireLayers(opened);
  const widths = widthsOf(opened.layers, bits);
  const layers = opened.layers.map(layer => {
    const width = widths.get(layer) ?? FLOAT_BITS;
    return {
      layer,
      bits: width,
      isOneScale: width !== FLOAT_BITS && hasOneScale(opened, layer, width, options),
    };
  });
  const { text, notes } = recipes[tool]({
    model: file,
    opset: opened.graph.opsets.get('') ?? 0,
    layers,
    options,
  });
  const named = new Set(readModelFile(file).model.graph!.node.map(n => n.name));
  const nameless = tool !== 'llama.cpp' && layers.some(({ layer }) => layer.nodes.some(n => !named.has(n)));
  const warning =
    'Some nodes have no name in the file; the recipe has the names of their outputs in its place.';
  return { text, notes: nameless ? [...notes, warning] : notes };
}

function hasOneScale(
  model: Model,
  layer: Layer,
  bits: number,
  { granularity, symmetric, range }: ExportOptions,
): boolean {
  const weight = { name: layer.name, shape: layer.shape, data: weightOf(model, layer) };
  const quantizer = { bits, symmetric, range };
  return chooseGranularity(weight, layer.channelAxis, granularity, quantizer).kind === 'tensor';
}
