import type { GraphBuilder } from '../graph/builder';
import { matmul, transpose } from '../ops/emit';

/** Where ONNX Runtime's product is that reads an operand transposed. */
export const FUSED_DOMAIN = 'com.microsoft';

/**
 * The product of two operands, the blocks [batch, rows, columns] among them transposed each. A Transpose of its own would be merged with the
 * ones around it into a slow one where the blocks are fed; where they are constants ONNX Runtime computes it
 * beforehand, which it does with standard operators only.
 * @param which operand the blocks are
 */
export function turned(b: GraphBuilder, x: string, y: string, which: 0 | 1, isFed: boolean): string {
  if (isFed) {
    const attributes = { [which === 0 ? 'transA' : 'transB']: { int: 1 } };
    return b.add('FusedMatMul', [x, y], attributes, FUSED_DOMAIN);
  }
  const perm = [0, 2, 1];
  return which === 0 ? matmul(b, transpose(b, x, perm), y) : matmul(b, x, transpose(b, y, perm));
}
