import type { ModelProto, ValueInfoProto } from 'onnx-buf';
import type { ExportPlan } from './plan';

/** The version of the file format from which on initializers need not be listed as inputs. */
export const FREE_INITIALIZERS = 4n;

/**
 * Descriptions of values that go with a plan: of weights that are values no more, of weights among the inputs, and of all
 * initializers there where the format demanded that. They were constant then; later formats would let callers feed them.
 */
export function leftOver({ graph, irVersion }: ModelProto, { weights }: ExportPlan): Set<ValueInfoProto> {
  const found = new Set<ValueInfoProto>();
  const add = (infos: readonly ValueInfoProto[], names: ReadonlySet<string>): void => {
    for (const info of infos) if (names.has(info.name)) found.add(info);
  };
  if (irVersion < FREE_INITIALIZERS) add(graph!.input, new Set(graph!.initializer.map(t => t.name)));
  for (const { layer, place, matrix } of weights) {
    const name = new Set([layer.initializer]);
    add(place.body.input, name);
    // What DequantizeLinear gives has the weight's name and type.
    if (matrix) add(place.body.valueInfo, name);
  }
  return found;
}
