import { type ModelProto, type TensorProto, TensorProto_DataType, type ValueInfoProto } from 'onnx-buf';
import { CurvatureError } from '../errors';
import { isExternal, readExternalData } from '../onnx/externalData';
import { decodeTensor, elemTypeOf, type Tensor } from '../onnx/tensor';
import { inlineConditionals } from './conditionals';
import { constantValue, type Decode, densify } from './constants';
import { isStandard, nodeOf, readsOf, uniqueName } from './fromProto';
import { inlineFunctions } from './functions';
import type { Dimension, Graph, Node, ValueInfo } from './graph';
import { withoutOldOperators } from './oldOperators';
import { sortTopologically } from './topology';

/**
 * ModelProto → Graph. Constant nodes, and nodes that fill a constant shape, become initializers under their output's name,
 * so that weights stand in one place whichever way the exporter wrote them; initializers that are listed as inputs too (IR
 * version 3) are initializers. Functions of the model's own are inlined, and so are branches that constants
 * decide; operators of the oldest sets are in the forms of set 8.
 * @param modelFolder where external data is looked for
 */
export function fromModel(model: ModelProto, modelFolder: string): Graph {
  const proto = model.graph!;
  const decode: Decode = t => decodeTensor(t, isExternal(t) ? readExternalData(t, modelFolder) : undefined);
  const protos = inlineFunctions(model);
  const read = new Set([...protos.flatMap(readsOf), ...proto.output.map(o => o.name)]);
  const initializers = new Map<string, Tensor>();
  const add = (name: string, value: Tensor): void => {
    if (initializers.has(name))
      throw new CurvatureError('model-invalid', `Initializer "${name}" is in the file twice.`);
    initializers.set(name, value);
  };
  // Text, such as the names of classes, does no harm where nothing computes with it.
  for (const t of proto.initializer) if (!isText(t) || read.has(t.name)) add(t.name, decode(t));
  for (const sparse of proto.sparseInitializer) {
    const name = sparse.values?.name ?? '';
    add(name, densify(sparse, name, decode));
  }
  const names = new Set<string>();
  const nodes: Node[] = [];
  for (const n of protos) {
    if (n.opType === 'Constant' && !n.output.some(o => read.has(o))) continue;
    const constant = isStandard(n.domain) ? constantValue(n, initializers, decode) : undefined;
    if (constant) initializers.set(n.output[0], constant);
    else nodes.push(nodeOf(n, uniqueName(n, names), decode));
  }
  const inputs = proto.input.filter(i => !initializers.has(i.name)).map(valueInfo);
  const outputs = proto.output.map(o => o.name);
  const given = [...inputs.map(i => i.name), ...initializers.keys()];
  const sorted = sortTopologically(nodes, given);
  const made = new Set([...given, ...sorted.flatMap(n => n.outputs)]);
  const missing = outputs.find(o => !made.has(o));
  if (missing !== undefined)
    throw new CurvatureError('model-invalid', `Nothing makes the model's output "${missing}".`);
  const imports = [...model.functions.flatMap(f => f.opsetImport), ...model.opsetImport];
  const written: Graph = {
    name: proto.name || 'model',
    opsets: new Map(imports.map(o => [isStandard(o.domain) ? '' : o.domain, Number(o.version)])),
    inputs,
    outputs,
    initializers,
    nodes: sorted,
  };
  return inlineConditionals(withoutOldOperators(written));
}

const isText = (t: TensorProto): boolean => t.dataType === (TensorProto_DataType.STRING as number);

/** @throws CurvatureError `model-unsupported` for inputs that are no tensors. */
export function valueInfo(v: ValueInfoProto): ValueInfo {
  const type = v.type?.value;
  const elemType = type?.case === 'tensorType' ? elemTypeOf(type.value.elemType) : undefined;
  if (type?.case !== 'tensorType' || elemType === undefined) {
    throw new CurvatureError(
      'model-unsupported',
      `Input "${v.name}" is no tensor of numbers.`,
      'Export the model with tensor inputs only.',
    );
  }
  const shape = (type.value.shape?.dim ?? []).map((d): Dimension => {
    if (d.value.case === 'dimValue') return Number(d.value.value) > 0 ? Number(d.value.value) : null;
    return d.value.case === 'dimParam' && d.value.value !== '' ? d.value.value : null;
  });
  return { name: v.name, elemType, shape };
}
