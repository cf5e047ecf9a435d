import type { ValueInfo } from '../graph/graph';
import { isFloat, type Tensor, type TensorType } from '../onnx/tensor';

/** Weights up to this many elements stay in the graph, since shape inference may read them. */
const SMALL = 64;

/** Large weights are declared, not stored, where only types matter: copying their values is slow. */
export const isDeclared = (tensor: Tensor): boolean => isFloat(tensor.elemType) && tensor.data.length > SMALL;

export const declared = (name: string, { elemType, shape }: TensorType): ValueInfo => ({
  name,
  elemType,
  shape,
});
