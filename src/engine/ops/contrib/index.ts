import type { Canonical } from '../canonicalForm';
import { BiasGelu, FastGelu, Gelu, QuickGelu } from './activations';
import {
  ContribAttention,
  ContribRotaryEmbedding,
  GroupQueryAttention,
  MultiHeadAttention,
} from './attention';
import { FusedConv, FusedGemm, FusedMatMul } from './fused';
import { EmbedLayerNormalization, SkipLayerNormalization, SkipSimplifiedLayerNormalization } from './norms';

export const CONTRIB_DOMAIN = 'com.microsoft';

/**
 * ONNX Runtime's own operators (domain com.microsoft), which exporters and its optimizer write, spelled out. Forms that are
 * not covered stay as they are and are reported.
 */
export const contrib: Readonly<Record<string, Canonical>> = {
  Gelu,
  BiasGelu,
  FastGelu,
  QuickGelu,
  FusedMatMul,
  TransposeMatMul: FusedMatMul,
  FusedGemm,
  FusedConv,
  SkipLayerNormalization,
  SkipSimplifiedLayerNormalization,
  EmbedLayerNormalization,
  Attention: ContribAttention,
  MultiHeadAttention,
  GroupQueryAttention,
  RotaryEmbedding: ContribRotaryEmbedding,
};
