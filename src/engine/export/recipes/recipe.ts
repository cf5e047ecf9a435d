import type { Layer } from '../../curvature/layers';
import type { ExportOptions } from '../options';

export const recipeTools = ['ort', 'olive', 'nncf', 'llama.cpp'] as const;
export type RecipeTool = (typeof recipeTools)[number];

export interface RecipeLayer {
  readonly layer: Layer;
  /** 32 where the layer keeps its floats. */
  readonly bits: number;
  /** Whether all of its weights share a scale, where the tool lets one choose. */
  readonly isOneScale: boolean;
}

export interface RecipeInput {
  /** The model's file, as the recipe is to name it. */
  readonly model: string;
  /** Its operator set of ONNX. */
  readonly opset: number;
  /** All layers of the model. */
  readonly layers: readonly RecipeLayer[];
  readonly options: ExportOptions;
}

/** What a tool reads, and what of the widths it can't be told. */
export interface Recipe {
  readonly text: string;
  readonly notes: readonly string[];
}

export const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export const nodesOf = (layers: readonly RecipeLayer[]): string[] => [
  ...new Set(layers.flatMap(({ layer }) => layer.nodes)),
];

/** A note on the layers whose width a tool doesn't have, and the next one that it gets. */
export function rounded(layers: readonly RecipeLayer[], widths: readonly number[], tool: string): string[] {
  const others = layers.filter(({ bits }) => bits !== 32 && !widths.includes(bits));
  if (others.length === 0) return [];
  const named = others.map(({ layer, bits }) => `${layer.name} (${bits})`).join(', ');
  return [`${tool} has ${widths.join(', ')} bits; the next of these stands for: ${named}.`];
}
