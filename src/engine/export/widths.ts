import type { Layer } from '../curvature/layers';
import { CurvatureError } from '../errors';
import { nearestName } from '../util/nearestName';

/** Layers with this width keep their floats. */
export const FLOAT_BITS = 32;

/**
 * The width of each layer that one is given for, by its name or its initializer's; a number alone is for all.
 * @throws CurvatureError `problem-invalid` for a name that no layer has, and a layer that is given two widths
 */
export function widthsOf(
  layers: readonly Layer[],
  bits: Readonly<Record<string, number>> | number,
): Map<Layer, number> {
  if (typeof bits === 'number') return new Map(layers.map(layer => [layer, checked(layer.name, bits)]));
  const named = new Map([
    ...layers.map(l => [l.initializer, l] as const),
    ...layers.map(l => [l.name, l] as const),
  ]);
  const widths = new Map<Layer, number>();
  for (const [name, width] of Object.entries(bits)) {
    const layer = named.get(name);
    if (!layer) throw unknown(name, [...named.keys()]);
    const other = widths.get(layer);
    if (other !== undefined && other !== width) {
      throw new CurvatureError(
        'problem-invalid',
        `Layer '${layer.name}' is given ${other} and ${width} bits, once by the name of its initializer.`,
      );
    }
    widths.set(layer, checked(name, width));
  }
  return widths;
}

function checked(layer: string, width: number): number {
  if (Number.isInteger(width) && ((width >= 2 && width <= 16) || width === FLOAT_BITS)) return width;
  throw new CurvatureError(
    'problem-invalid',
    `Layer '${layer}' is given ${width} bits.`,
    `Give a width from 2 to 16, or ${FLOAT_BITS} to leave it as it is.`,
  );
}

function unknown(name: string, names: readonly string[]): CurvatureError {
  const nearest = nearestName(name, names);
  return new CurvatureError(
    'problem-invalid',
    `The model has no layer '${name}'.`,
    nearest === undefined ? 'It has no layers with weights.' : `Did you mean '${nearest}'?`,
  );
}
