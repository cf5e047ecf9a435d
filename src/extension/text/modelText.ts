import type {
  ModelDescription,
  NodeDescription,
  TensorDescription,
} from '../../engine/analysis/modelDescription';
import { formatCount, visible } from './format';

/** The text of a model, and where in it things stand. Lines count from 0. */
export interface ModelText {
  readonly text: string;
  /** Node → line. Anonymous nodes have none. */
  readonly lineOfNode: ReadonlyMap<string, number>;
  /** Layer → line of the first node that uses its weight. */
  readonly lineOfLayer: ReadonlyMap<string, number>;
  /** Line → the layers whose weights are used there. */
  readonly layersAt: ReadonlyMap<number, readonly string[]>;
  /** Set when the model couldn't be read; `text` then says so too. */
  readonly error?: string;
}

/** One line per node after a header of facts. */
export function renderModel(model: ModelDescription): ModelText {
  const weights = new Set(model.initializers.map(tensor => tensor.name));
  const header = [
    `// ${visible(model.file)}`,
    `// opset ${model.opset}${model.producer ? `, made by ${visible(model.producer)}` : ''}`,
    `// ${formatCount(model.nodes.length)} nodes, ${formatCount(model.parameters)} parameters`,
    ...model.inputs.map(tensor => `// input  ${renderTensor(tensor)}`),
    ...model.outputs.map(tensor => `// output ${renderTensor(tensor)}`),
    '',
  ];
  const lineOfNode = new Map<string, number>();
  const lineOfLayer = new Map<string, number>();
  const layersAt = new Map<number, readonly string[]>();
  const lines = model.nodes.map((node, i) => {
    const line = header.length + i;
    if (node.name) lineOfNode.set(node.name, line);
    if (node.layers.length) layersAt.set(line, node.layers);
    for (const layer of node.layers) if (!lineOfLayer.has(layer)) lineOfLayer.set(layer, line);
    return renderNode(node, weights);
  });
  return { text: [...header, ...lines, ''].join('\n'), lineOfNode, lineOfLayer, layersAt };
}

/** What is shown of a model that can't be read. */
export const renderFailure = (file: string, error: string): ModelText => ({
  text: [`// ${visible(file)}`, ...error.split('\n').map(line => `// ${visible(line)}`), ''].join('\n'),
  lineOfNode: new Map(),
  lineOfLayer: new Map(),
  layersAt: new Map(),
  error,
});

const renderTensor = ({ name, elemType, shape }: TensorDescription): string =>
  `%${visible(name)}: ${elemType}${shape ? `[${shape.map(dimension => visible(String(dimension))).join(', ')}]` : ''}`;

/** `%out = Conv(%in, conv.weight, conv.bias) {strides=[1, 1]}  // /conv/Conv`: activations have a %, weights none. */
function renderNode(node: NodeDescription, weights: ReadonlySet<string>): string {
  const operand = (name: string): string =>
    name === '' ? '_' : weights.has(name) ? visible(name) : `%${visible(name)}`;
  const outputs = node.outputs.map(name => (name ? `%${visible(name)}` : '_')).join(', ');
  const operator = visible(
    node.domain && node.domain !== 'ai.onnx' ? `${node.domain}.${node.opType}` : node.opType,
  );
  const attributes = node.attributes.length ? ` {${node.attributes.map(visible).join(', ')}}` : '';
  // A layer that goes by another name than its initializer (exporters call those onnx::MatMul_123) is named behind.
  const renamed = node.layers
    .filter(layer => !node.inputs.includes(layer))
    .map(layer => `layer ${visible(layer)}`);
  // PyTorch names outputs after their node; saying the name again would only make the line long.
  const isNamedByOutput = node.outputs.some(output => output.startsWith(node.name));
  const remarks = [...(node.name && !isNamedByOutput ? [visible(node.name)] : []), ...renamed];
  const remark = remarks.length ? `  // ${remarks.join(', ')}` : '';
  return `${outputs} = ${operator}(${node.inputs.map(operand).join(', ')})${attributes}${remark}`;
}
