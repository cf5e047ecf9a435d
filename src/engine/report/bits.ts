import { z } from 'zod';
import { CurvatureError } from '../errors';
import { granularityChoices } from '../quantization/quantizer';

/** Widths by layer, as `*.bits.json` holds them: what the editor checks, and what `quantize` takes. */
export const bitsFileSchema = z.object({
  $schema: z.string().optional(),
  format: z.literal('curvature-bits').optional(),
  model: z.string().optional().describe('The model’s file, relative to this one.'),
  report: z.string().optional().describe('The report that the widths were chosen by, relative to this file.'),
  granularity: z
    .enum(granularityChoices)
    .optional()
    .describe(
      'What shares a scale: the weights of an output channel, or all of a layer; auto takes channels where their scales are worth the bytes.',
    ),
  bits: z
    .record(
      z.string(),
      z
        .union([z.number().int().min(2).max(16), z.literal(32)], {
          error: ({ input }) => `expected a width from 2 to 16, or 32, found ${JSON.stringify(input)}`,
        })
        .describe('Bits per weight, 2 to 16; 32 leaves the layer in float32.'),
    )
    .describe('Widths by the name of the layer. Layers that are not named stay as they are.'),
});

export type BitsFile = z.infer<typeof bitsFileSchema>;

/**
 * Reads a `*.bits.json`, or the answer of `allocate --json`, whose `bits` it takes. Throws `problem-invalid` naming the field.
 */
export function parseBits(text: string): BitsFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid(`The file of bit widths is not JSON: ${reason}.`);
  }
  if (typeof value === 'object' && value !== null && 'format' in value && value.format === 'curvature-report')
    throw invalid('This is a report, no file of bit widths; `quantize --report` takes its widths.');
  const result = bitsFileSchema.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  throw invalid(`The file of bit widths is not well formed: ${path.join('.') || 'the file'}: ${message}.`);
}

const invalid = (message: string): CurvatureError =>
  new CurvatureError(
    'problem-invalid',
    message,
    'Expected is { "bits": { LAYER: WIDTH } }, with widths from 2 to 16, or 32 for float32.',
  );
