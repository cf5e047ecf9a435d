import { CurvatureError } from '../errors';
import type { Types } from '../graph/builder';
import { inlineConditionals } from '../graph/conditionals';
import type { Graph } from '../graph/graph';
import { toFloat32 } from '../graph/toFloat32';
import { canonicalize } from '../ops/canonicalize';
import { withPooledRelus } from '../ops/pooledRelus';
import { foldConstants } from './fold';
import type { Feeds } from './session';
import { inferTypes } from './types';

/** A graph with bound dimensions, shape arithmetic folded, in canonical form, and the types of all its values. */
export interface Prepared {
  readonly graph: Graph;
  readonly types: Types;
  /** What values of the file are called here, where that is another name. */
  readonly renamed: ReadonlyMap<string, string>;
}

/**
 * Binds the inputs' dimensions and brings the graph to the form that derivatives are taken of.
 * @param shapes the shape of every input
 * @param parameters initializers that must not be folded into constants
 * @param sample feeds for models with shapes that depend on data
 */
export async function prepare(
  graph: Graph,
  shapes: ReadonlyMap<string, readonly number[]>,
  parameters: ReadonlySet<string>,
  sample?: Feeds,
): Promise<Prepared> {
  const bound: Graph = {
    ...graph,
    inputs: graph.inputs.map(i => {
      const shape = shapes.get(i.name);
      if (!shape) throw new CurvatureError('data-mismatch', `The model's input "${i.name}" has no data.`);
      return { ...i, shape };
    }),
  };
  let types = await inferTypes(bound, sample);
  let folded = await foldConstants(bound, types, parameters);
  // Folding may decide an If, whose branch may hold more to fold.
  for (;;) {
    const inlined = inlineConditionals(folded);
    if (inlined === folded) break;
    const widened = toFloat32(inlined);
    types = await inferTypes(widened, sample);
    folded = await foldConstants(widened, types, parameters);
  }
  // Folding and rewriting leave the types of the values that they leave.
  types = await inferTypes(folded, sample, types);
  const canonical = canonicalize(folded, types);
  const pooled = withPooledRelus(canonical.graph, types);
  return { ...canonical, graph: pooled, types: await inferTypes(pooled, sample, types) };
}
