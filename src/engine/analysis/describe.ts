import path from 'node:path';
import type { ValueInfoProto } from 'onnx-buf';
import { type Attribute, type Dimension, type ValueInfo } from '../graph/graph';
import { openModel } from './model';
import type { ModelDescription, TensorDescription } from './modelDescription';
import { readModelFile } from '../onnx/read';
import { elemTypeOf } from '../onnx/tensor';
import { valueInfo } from '../graph/fromModel';

/** What reading the file alone tells: nothing of the model runs. */
export function describeModel(file: string): Promise<ModelDescription> {
  const { graph, layers, parameters, producer } = openModel(file);
  const users = new Map<string, string[]>();
  for (const layer of layers)
    for (const node of layer.nodes) users.set(node, [...(users.get(node) ?? []), layer.name]);
  const outputs = readModelFile(file).model.graph!.output.map(describeOutput);
  return Promise.resolve({
    file: path.basename(file),
    opset: graph.opsets.get('') ?? 0,
    producer,
    parameters: parameters.reduce((sum, p) => sum + p.size, 0),
    inputs: graph.inputs.map(describeValue),
    outputs,
    initializers: [...graph.initializers].map(([name, t]) => ({
      name,
      elemType: t.elemType,
      shape: t.shape,
    })),
    nodes: graph.nodes.map(n => ({
      ...{ name: n.name, opType: n.opType, domain: n.domain, inputs: n.inputs, outputs: n.outputs },
      attributes: Object.entries(n.attributes).map(([name, a]) => `${name}=${describeAttribute(a)}`),
      layers: users.get(n.name) ?? [],
    })),
  });
}

const describeValue = ({ name, elemType, shape }: ValueInfo): TensorDescription => ({
  name,
  elemType,
  shape: shape.map((d: Dimension) => d ?? '?'),
});

/** Outputs need no type, and no tensor stands in the way of a look at the model. */
function describeOutput(output: ValueInfoProto): TensorDescription {
  const type = output.type?.value;
  if (type?.case === 'tensorType' && elemTypeOf(type.value.elemType)) {
    const described = describeValue(valueInfo(output));
    return type.value.shape ? described : { ...described, shape: undefined };
  }
  const isTensor = type?.case === undefined || type.case === 'tensorType';
  return { name: output.name, elemType: isTensor ? 'unknown' : type.case.replace(/Type$/, '') };
}

/** Longest list that is shown in full. */
const LISTED = 8;

const listed = (values: readonly number[]): string =>
  `[${values.slice(0, LISTED).join(', ')}${values.length > LISTED ? `, … ${values.length}` : ''}]`;

function describeAttribute(a: Attribute): string {
  if ('int' in a) return String(a.int);
  if ('float' in a) return String(Number(a.float.toPrecision(7)));
  if ('string' in a) return JSON.stringify(a.string);
  if ('ints' in a) return listed(a.ints);
  if ('floats' in a) return listed(a.floats);
  return 'tensor' in a ? `tensor[${a.tensor.shape.join(', ')}]` : '{…}';
}
