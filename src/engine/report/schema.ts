import { z } from 'zod';
import { granularityChoices } from '../quantization/quantizer';
import { latencySchema, layerLatencySchema } from './latency';
import { layerMetricsSchema, metricsSchema, metricValueSchema } from './metrics';
import {
  dataSchema,
  diagnosticSchema,
  eigenvalueSchema,
  estimateSchema,
  lossSchema,
  timingsSchema,
  toolSchema,
} from './parts';
import { proofSchema } from './proof';
import { studiesSchema } from './studies';

/** The version of the report's format; raised when a reader of the old one would misread the new one. */
export const REPORT_VERSION = 1;

/** What a layer's trace rests on: exact derivatives, first derivatives alone, or differences of forward runs. */
export const methodSchema = z.enum(['exact', 'ggn', 'differences']);

/** A record keyed by bit width ("2", "4", "8", …). */
const perBits = z.record(z.string(), z.number());

export const layerSchema = z.object({
  /** The name a person would recognise: the initializer's, or the node's scope where the initializer is anonymous. */
  name: z.string(),
  initializer: z.string(),
  opType: z.string(),
  /** Names of the nodes that use the weight. */
  nodes: z.array(z.string()),
  shape: z.array(z.number().int()),
  parameters: z.number().int(),
  /** The width in which the model holds the weight: 8 where it is quantized to int8, 16 for half precision; absent for float32. */
  currentBits: z.number().int().optional(),
  /** `analysed`: has a trace. `not-reached`: `reason` says why there is none. `pending`: the run stopped before it. */
  status: z.enum(['analysed', 'not-reached', 'pending']),
  /** Why the layer is not reached, or not by exact derivatives. */
  reason: z.string().optional(),
  /** `exact`: derivatives of both orders. `ggn`: first derivatives alone. `differences`: the GGN from runs of the model alone. Absent where the layer is not reached. */
  method: methodSchema.optional(),
  /** Trace of the layer's diagonal block: the sum over its weights, of the mean loss. */
  trace: z.object({ ggn: estimateSchema.optional(), hessian: estimateSchema.optional() }),
  /** Trace of the matrix that decides the bits, divided by the number of parameters; null without one. */
  averageTrace: z.number().nullable(),
  /** Whether every path from this layer to the loss is piecewise linear, so that its Hessian block's trace is the GGN's. */
  hessianEqualsGgn: z.boolean(),
  /** ‖Q(W) − W‖² per bit width: symmetric, round to nearest, a scale to what `granularity` says. */
  quantizationError: perBits,
  /** What shares a scale per bit width: the weights of an output channel, or all; absent in older reports, which went by channels. */
  granularity: z.record(z.string(), z.enum(['channel', 'tensor'])).optional(),
  /**
   * HAWQ-V2's Ω = averageTrace · ‖Q(W) − W‖² per bit width; empty without a trace. At widths up to `settings.measureUpTo`, where
   * the quadratic model can't be relied on, twice the divergence of the outputs that was measured with this layer alone quantized.
   */
  sensitivity: perBits,
  /** The standard error of `sensitivity` that comes from the trace's. */
  sensitivityStderr: perBits,
  /** Bytes on disk per bit width, with the scales. */
  sizeBytes: perBits,
  /** Other costs by name, per bit width: `bops`, `latency` in milliseconds, or anything else that was measured. */
  costs: z.record(z.string(), perBits).optional(),
  /** Noise and storage of `costs.latency`, where that was measured. */
  latency: layerLatencySchema.optional(),
  /** Metrics side by side, by name and bit width, where they were asked for. */
  metrics: layerMetricsSchema.optional(),
  /** The suggested bit width; null when the layer has no trace. */
  bits: z.number().int().nullable(),
});

const rangeSchema = z.object({ min: z.number(), max: z.number() });

/** A value that a runtime of integers would quantize: asymmetric, one scale for all of it, round to nearest. */
export const activationSchema = z.object({
  /** The value's name in the model. */
  name: z.string(),
  /** Names of the nodes that it is quantized for, and of the layers whose nodes these are. */
  nodes: z.array(z.string()),
  layers: z.array(z.string()),
  /** Of one run, with the samples on an axis. */
  shape: z.array(z.number().int()),
  /** Elements of one sample. */
  elements: z.number(),
  /** By the way in which it is found. */
  ranges: z.object({ 'min-max': rangeSchema, percentile: rangeSchema, entropy: rangeSchema }),
  /** Why there is no trace. */
  reason: z.string().optional(),
  /** Trace of the Gauss–Newton matrix of a sample's loss with respect to the value, averaged over the samples. */
  trace: estimateSchema.optional(),
  /** The same of the Hessian, where that was asked for. */
  hessianTrace: estimateSchema.optional(),
  /** Trace of the matrix that decides the bits, divided by the number of elements; null without one. */
  averageTrace: z.number().nullable(),
  /** ‖Q(a) − a‖² of a sample, averaged over the samples, per bit width. */
  quantizationError: perBits,
  /** HAWQ-V2's Ω = averageTrace · quantizationError per bit width; empty without a trace. */
  sensitivity: perBits,
  sensitivityStderr: perBits,
  /** `bops` of products of two values, counted with their first operand. */
  costs: z.record(z.string(), perBits).optional(),
});

/** A point of the frontier: no other choice is at most as large and less sensitive. */
export const frontierPointSchema = z.object({
  bytes: z.number(),
  effectiveBits: z.number(),
  /** ΣΩ over the layers. */
  sensitivity: z.number(),
  /** Bit widths in the order of `layers` (null for a layer that takes no part). */
  bits: z.array(z.number().int().nullable()),
});

/** What a choice changes the outputs by, all layers quantized together. */
const jointChangeShape = {
  /** KL, or the mean squared change for mse. */
  divergence: metricValueSchema,
  /** KL of probabilities at temperature 2, times its square, by which choices were compared; absent where the loss is not over the classes of one output. */
  tempered: metricValueSchema.optional(),
};

/** How the suggestion was found where whole choices around those of least sum were run on the data of the analysis. */
const jointSchema = z.object({
  /** Choices that were run, the one of least ΣΩ included, and on how many samples each. */
  runs: z.number().int(),
  samples: z.number().int(),
  ...jointChangeShape,
  /** The choice of least ΣΩ within the budget. */
  bySum: frontierPointSchema.extend(jointChangeShape),
});

export const reportSchema = z.object({
  format: z.literal('curvature-report'),
  version: z.literal(REPORT_VERSION),
  createdAt: z.string(),
  /** False while the analysis runs, and for what is kept of one that was cancelled or failed. */
  complete: z.boolean(),
  stopped: z.object({ reason: z.enum(['cancelled', 'failed']), message: z.string() }).optional(),
  tool: toolSchema,
  model: z.object({
    file: z.string(),
    sha256: z.string(),
    sizeBytes: z.number(),
    opset: z.number().int(),
    producer: z.string(),
    nodes: z.number().int(),
    parameters: z.number().int(),
    output: z.string(),
  }),
  data: dataSchema,
  settings: z.object({
    loss: lossSchema,
    matrix: z.enum(['ggn', 'hessian', 'both']),
    /** The matrix whose traces decide the bits. */
    sensitivityMatrix: z.enum(['ggn', 'hessian']),
    eigenvalues: z.number().int(),
    batch: z.number().int(),
    rtol: z.number(),
    maxProbes: z.number().int(),
    /** Seconds after which no more probes were drawn than an error bar needs. */
    seconds: z.number().positive().optional(),
    bits: z.array(z.number().int()),
    /** How `granularity` of the layers was chosen; absent in older reports: per channel. */
    granularity: z.enum(granularityChoices).optional(),
    /** How the ranges are found by which activations are quantized; absent where they were not asked for. */
    activations: z.enum(['min-max', 'percentile', 'entropy']).optional(),
    /** Sensitivities at widths up to this are measured by running the model; absent where none are. */
    measureUpTo: z.number().int().optional(),
    /** Whole choices of widths that were to be run at most; absent where none were. */
    jointRuns: z.number().int().optional(),
    seed: z.number().int(),
    /** As it was asked for; `device` tells what ran. */
    executionProvider: z.string(),
    threads: z.number().int(),
  }),
  /** Where the graphs ran, and which of the platform's other execution providers were tried and why they were not taken. */
  device: z
    .object({
      provider: z.string(),
      name: z.string(),
      notTaken: z.array(z.object({ provider: z.string(), reason: z.string() })),
    })
    .optional(),
  /** The most memory that the process was expected to hold; predicted from the graphs before they ran. */
  memory: z.object({ predictedBytes: z.number().int() }).optional(),
  /** Mean loss over the data, and how many samples it is the mean of. */
  loss: z.number().nullable(),
  samples: z.number().int(),
  layers: z.array(layerSchema),
  /** Where they were asked for. */
  activations: z.array(activationSchema).optional(),
  /** The Hessian's largest. */
  eigenvalues: z.array(eigenvalueSchema),
  /** The Hessian's smallest, which may be negative, from the products that found the largest; it was not waited for. */
  smallestEigenvalue: eigenvalueSchema.optional(),
  frontier: z.array(frontierPointSchema),
  budget: z
    .object({
      requested: z.string(),
      /** The limit in bytes of quantized weights, scales included. */
      bytes: z.number(),
      feasible: z.boolean(),
      message: z.string().optional(),
      /** What the suggestion takes. */
      chosen: z.object({ bytes: z.number(), effectiveBits: z.number(), sensitivity: z.number() }),
      /** Absent where no choices were run; the suggestion is then the one of least ΣΩ. */
      joint: jointSchema.optional(),
    })
    .nullable(),
  /** How the metrics of the layers agree, and what all layers do together. */
  metrics: metricsSchema.optional(),
  /** How the latency of the layers was measured. */
  latency: latencySchema.optional(),
  /** What the suggestion is worth on other data, where that was measured. */
  proof: proofSchema.optional(),
  /** What else was measured of the model, where it was asked for. */
  studies: studiesSchema.optional(),
  diagnostics: z.array(diagnosticSchema),
  timings: timingsSchema,
});

export type Method = z.infer<typeof methodSchema>;
export type Estimate = z.infer<typeof estimateSchema>;
export type ActivationReport = z.infer<typeof activationSchema>;
export type LayerReport = z.infer<typeof layerSchema>;
export type Eigenvalue = z.infer<typeof eigenvalueSchema>;
export type FrontierPoint = z.infer<typeof frontierPointSchema>;
export type Joint = z.infer<typeof jointSchema>;
export type Diagnostic = z.infer<typeof diagnosticSchema>;
export type Report = z.infer<typeof reportSchema>;
