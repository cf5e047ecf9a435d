import type { GranularityChoice, RangeMethod } from '../quantization/quantizer';

/**
 * `qdq`: integers behind a DequantizeLinear, which every runtime reads. `matmulnbits`: ONNX Runtime's MatMulNBits for matrix
 * products, other layers stay as they are. `auto`: MatMulNBits where it fits, DequantizeLinear elsewhere.
 */
export const exportFormats = ['qdq', 'matmulnbits', 'auto'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportOptions {
  readonly format: ExportFormat;
  /** Integers around 0; else from 0 on, with a zero point to each scale. */
  readonly symmetric: boolean;
  readonly range: RangeMethod;
  /** Of a DequantizeLinear; MatMulNBits has blocks. */
  readonly granularity: GranularityChoice;
  /** Neighbours along the summed axis of a matrix that share a scale; `granularity` decides where absent. */
  readonly blockSize?: number;
}

export const defaultExportOptions: ExportOptions = {
  ...{ format: 'qdq', symmetric: true, range: 'min-max', granularity: 'auto' },
};
