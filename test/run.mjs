// Runs everything: node test/run.mjs [types|lint|unit|gpu|browser|vscode …]
// Ends with a line 'N passed, N failed, N skipped' and exits with 1 when anything failed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const root = path.join(import.meta.dirname, '..');
process.chdir(root);

/** A tool that either succeeds or not counts as one test. */
function tool(name, command, args) {
  console.log(`\n▶ ${name}`);
  const { status } = spawnSync(process.execPath, [path.join('node_modules', command), ...args], {
    stdio: 'inherit',
  });
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

/** Runs the bundled test files of a folder, each in a process of its own. */
async function nodeTests(folder, exclude = () => false) {
  console.log(`\n▶ ${folder}`);
  const files = readdirSync(folder, { recursive: true })
    .map(f => path.join(folder, String(f)))
    .filter(f => f.endsWith('.test.js') && !exclude(f))
    .sort();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const isSuite = data => data.details?.type === 'suite' || files.includes(data.name);
  const stream = run({ files: files.map(f => path.resolve(f)), concurrency: true });
  stream.on('test:pass', data => {
    if (data.skip !== undefined && data.skip !== false) {
      counts.skipped++;
      console.log(`skipped: ${data.name}${typeof data.skip === 'string' ? `: ${data.skip}` : ''}`);
    } else if (!isSuite(data)) counts.passed++;
  });
  stream.on('test:fail', data => {
    if (data.details?.error?.failureType !== 'subtestsFailed') counts.failed++;
  });
  stream.compose(spec).pipe(process.stdout);
  await new Promise(resolve => stream.on('end', resolve));
  return counts;
}

/** Chromium's folder holds a Vulkan driver that needs no graphics card, and the library that loads it. */
const chromium = '/usr/lib/chromium';
const driver = path.join(chromium, 'vk_swiftshader_icd.json');
const withSoftwareVulkan = existsSync(driver)
  ? { VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: chromium, XDG_RUNTIME_DIR: tmpdir() }
  : {};

/** Runs `body` with more variables in the environment, which the processes that it starts inherit. */
async function withEnvironment(variables, body) {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  const result = await body();
  for (const name of Object.keys(variables)) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  return result;
}

const build = () => {
  rmSync('out', { recursive: true, force: true });
  return tool('bundles', '../esbuild.mjs', ['--tests']);
};

const suites = {
  types: () => tool('types', 'typescript/bin/tsc', ['--noEmit']),
  lint: () => {
    const eslint = tool('lint', 'eslint/bin/eslint.js', ['.', '--max-warnings', '0']);
    const prettier = tool('format', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']);
    return sum([eslint, prettier]);
  },
  unit: () => nodeTests('out/unit'),
  gpu: () => withEnvironment(withSoftwareVulkan, () => nodeTests('out/gpu')),
  browser: () => nodeTests('out/browser'),
  vscode: async () => (await import('./support/vscode/run.mjs')).runVSCodeTests(),
};

const sum = all =>
  all.reduce(
    (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }),
    { passed: 0, failed: 0, skipped: 0 },
  );

const chosen = process.argv.slice(2);
const names = Object.keys(suites).filter(name => chosen.length === 0 || chosen.includes(name));
const results = [build()];
if (results[0].failed === 0) for (const name of names) results.push(await suites[name]());
const { passed, failed, skipped } = sum(results);
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
