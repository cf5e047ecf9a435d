// Packs the extension for one platform: node .ci/package.mjs [target] [file.vsix]
// ONNX Runtime brings binaries for every platform, 290 MB in all; a package takes those of its own target.
import { createVSIX } from '@vscode/vsce';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const targets = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];
const allBinaries = '!node_modules/onnxruntime-node/bin/**';

const [target = `${process.platform}-${process.arch}`, packagePath = `curvature-${target}.vsix`] =
  process.argv.slice(2);
if (!targets.includes(target)) {
  throw new Error(`ONNX Runtime has no binaries for ${target}; there are some for ${targets.join(', ')}`);
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'curvature-package-'));
const ignoreFile = path.join(folder, 'ignore');
const rules = readFileSync('.vscodeignore', 'utf8');
if (!rules.includes(allBinaries)) throw new Error(`.vscodeignore has lost its line ${allBinaries}`);
const [platform, arch] = target.split('-');
writeFileSync(
  ignoreFile,
  rules.replace(allBinaries, `!node_modules/onnxruntime-node/bin/napi-v6/${platform}/${arch}/*`),
);
await createVSIX({
  ...{ target, packagePath, ignoreFile, allowMissingRepository: true, skipLicense: true },
  // The README's pictures are read from the package, since no public repository holds them.
  rewriteRelativeLinks: false,
});
rmSync(folder, { recursive: true });
console.log(`${packagePath}: ${(statSync(packagePath).size / 1e6).toFixed(1)} MB`);
