// Builds every bundle: node esbuild.mjs [--production] [--watch] [--tests]
import { build, context } from 'esbuild';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const flags = new Set(process.argv.slice(2));
const production = flags.has('--production');
const common = {
  bundle: true,
  minify: production,
  sourcemap: !production,
  logLevel: 'warning',
  legalComments: 'none',
};

/** What no bundler can take in, a native binding and a script that reads WebAssembly, ships beside the bundles. */
const node = {
  ...common,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['onnxruntime-node', 'highs'],
};

const bundles = [
  {
    ...node,
    // The main file of jsonc-parser hides what it requires from bundlers.
    mainFields: ['module', 'main'],
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.js',
    external: ['vscode'],
  },
  // No `vscode` among the externals: a transitive import of it from the engine fails the build.
  { ...node, entryPoints: { server: 'src/server/main.ts', cli: 'src/cli/main.ts' }, outdir: 'dist' },
  {
    ...common,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    entryPoints: { report: 'webview/report/main.ts', compare: 'webview/compare/main.ts' },
    outdir: 'dist/webview',
    loader: { '.ttf': 'dataurl' },
  },
];

const filesBelow = (folder, suffix) =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter(f => f.endsWith(suffix))
    .map(f => path.join(folder, f));

if (flags.has('--tests')) {
  bundles.push({
    ...node,
    sourcemap: true,
    minify: false,
    entryPoints: [...filesBelow('test', '.test.ts'), ...filesBelow('test', 'main.ts')],
    outdir: 'out',
    outbase: 'test',
    packages: 'external',
    external: ['vscode'],
  });
}

if (flags.has('--watch')) {
  for (const bundle of bundles) await (await context(bundle)).watch();
} else {
  await Promise.all(bundles.map(bundle => build(bundle)));
}
