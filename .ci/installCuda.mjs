// Fetches what onnxruntime-node needs for NVIDIA cards and does not bring along, 300 MB: npm run install:cuda
// ONNX Runtime's own script does the work; it runs only when asked, since .npmrc keeps packages from running scripts.
// The flag goes without a value, though the script documents `=cuda12`: 1.30 loses the value and does nothing below npm.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const fail = message => {
  console.error(message);
  process.exit(1);
};

const target = `${process.platform}-${process.arch}`;
if (target !== 'linux-x64') {
  fail(
    `ONNX Runtime has CUDA libraries for linux-x64 only, and this is ${target}. On Windows use --ep dml, elsewhere --ep webgpu.`,
  );
}
const runtime = path.join(import.meta.dirname, '..', 'node_modules', 'onnxruntime-node');
if (!existsSync(runtime)) fail('Dependencies are not installed yet; run npm ci first.');

console.log('Fetching the CUDA libraries of ONNX Runtime …');
const { status } = spawnSync(
  process.execPath,
  [path.join(runtime, 'script', 'install.js'), '--onnxruntime-node-install'],
  { cwd: runtime, stdio: 'inherit' },
);
const library = path.join(runtime, 'bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime_providers_cuda.so');
if (status !== 0 || !existsSync(library)) {
  fail(
    'The CUDA libraries could not be fetched (see above). Check the connection, or set GLOBAL_AGENT_HTTPS_PROXY ' +
      'where a proxy is in between. Everything else works without them.',
  );
}
console.log('Done. CUDA 12 and cuDNN 9 must be installed as well; then run `curvature analyze … --ep cuda`.');
