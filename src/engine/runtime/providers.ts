import * as ort from 'onnxruntime-node';

/** Execution providers that can be named. The CPU's is in every build of ONNX Runtime; the others depend on the platform. */
export const providers = ['cpu', 'cuda', 'webgpu', 'dml', 'coreml'] as const;
export type Provider = (typeof providers)[number];

/** Those that this platform's build lists, whether or not the machine can use them. */
export function listedProviders(): Provider[] {
  const listed = new Set(ort.listSupportedBackends().map(b => b.name));
  return providers.filter(p => listed.has(p));
}

/** What ONNX Runtime is told to run on. */
export function providerConfig(provider: Provider): ort.InferenceSession.ExecutionProviderConfig {
  // In the default layout, NHWC, grouped convolutions with 9 outputs a group, such as those that take windows, come out wrong.
  return provider === 'webgpu' ? { name: 'webgpu', preferredLayout: 'NCHW' } : provider;
}

/**
 * Why a provider can't be used, for a person: what is missing and what to do about it.
 * @param message what ONNX Runtime threw
 * @param log what it and its libraries wrote to stderr
 */
export function refusalOf(provider: Provider, message: string, log: string): string {
  const missing =
    /(lib[\w.+-]+\.so[\w.]*|[\w.+-]+\.dll)[:"]? (?:cannot open|is missing|which is missing)/.exec(log)?.[1];
  if (provider === 'cuda' && /shared library/.test(message)) {
    return missing === undefined || missing.startsWith('libonnxruntime')
      ? "ONNX Runtime's CUDA libraries are not installed; on Linux x64 `npm run install:cuda` fetches them"
      : `${missing} was not found; install CUDA 12 and cuDNN 9`;
  }
  if (/WebGPU adapter/.test(message)) {
    return missing === undefined
      ? 'no graphics adapter was found'
      : `no graphics adapter was found, since ${missing} is missing; install the driver's Vulkan library`;
  }
  return reasonOf(message);
}

/** ONNX Runtime puts source locations in front of what it has to say. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replace(/^.*?ERROR_MESSAGE:\s*/s, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 400);
}
