import * as ort from 'onnxruntime-node';
import { reasonOf } from './providers';

const LOG_FATAL_ONLY = 4;

/** Why ONNX Runtime can't load a file on the CPU; undefined where it can. */
export async function whyNotLoaded(file: string): Promise<string | undefined> {
  try {
    const session = await ort.InferenceSession.create(file, {
      executionProviders: ['cpu'],
      logSeverityLevel: LOG_FATAL_ONLY,
    });
    await session.release();
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}
