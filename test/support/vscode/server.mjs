// Starts the VS Code server and a headless Chromium to see it in. Everything that is written goes into one folder.
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { URLSearchParams } from 'node:url';
import { chromium } from 'playwright-core';

const START_TIMEOUT_MS = 60_000;

const quietSettings = {
  'workbench.startupEditor': 'none',
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'chat.disableAIFeatures': true,
  'extensions.ignoreRecommendations': true,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'update.mode': 'none',
  'update.showReleaseNotes': false,
  'window.confirmBeforeClose': 'never',
  'files.autoSave': 'off',
};

export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why nothing can be shown here; undefined where it can. */
export const missingBrowser = () =>
  existsSync(chromiumPath) ? undefined : `There is no Chromium at ${chromiumPath}; CHROMIUM may name one.`;

export const launchBrowser = () => {
  const quiet = [
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
  ];
  return chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-sync', ...quiet],
  });
};

/** A folder for one run of VS Code; removed by its `remove`. */
export function makeHome() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'curvature-vscode-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Puts an extension there before the start: a packed one is installed, a folder is linked. */
export function installExtension(dist, home, extension) {
  const extensions = path.join(home, 'extensions');
  if (extension.endsWith('.vsix')) {
    const where = ['--server-data-dir', home, '--extensions-dir', extensions];
    const main = path.join(dist, 'vscode/out/server-main.js');
    const args = [main, '--accept-server-license-terms', ...where, '--install-extension', extension];
    execFileSync(path.join(dist, 'node/bin/node'), args, { env: environment(home), stdio: 'pipe' });
    return;
  }
  const { publisher, name, version } = JSON.parse(readFileSync(path.join(extension, 'package.json'), 'utf8'));
  mkdirSync(extensions, { recursive: true });
  symlinkSync(path.resolve(extension), path.join(extensions, `${publisher}.${name}-${version}`));
}

/** Starts the server; resolves when it listens. */
export async function startServer({ dist, home, settings = {}, env = {}, args = [] }) {
  const userData = path.join(home, 'data');
  mkdirSync(path.join(userData, 'User'), { recursive: true });
  writeFileSync(path.join(userData, 'User/settings.json'), JSON.stringify({ ...quietSettings, ...settings }));
  const child = spawn(
    path.join(dist, 'node/bin/node'),
    [
      path.join(dist, 'vscode/out/server-main.js'),
      ...[
        '--host',
        '127.0.0.1',
        '--port',
        '0',
        '--without-connection-token',
        '--accept-server-license-terms',
      ],
      ...[
        '--server-data-dir',
        home,
        '--user-data-dir',
        userData,
        '--extensions-dir',
        path.join(home, 'extensions'),
      ],
      ...[
        '--telemetry-level',
        'off',
        '--disable-workspace-trust',
        '--disable-experiments',
        '--force-disable-user-env',
      ],
      ...args,
    ],
    { env: { ...environment(home), ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const host = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`VS Code did not start:\n${output}`)), START_TIMEOUT_MS);
    const settle = (action, value) => {
      clearTimeout(timer);
      action(value);
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', data => {
        output += data;
        const port = /Extension host agent listening on (\d+)/.exec(output)?.[1];
        if (port) settle(resolve, `127.0.0.1:${port}`);
      });
    }
    child.once('exit', code => settle(reject, new Error(`VS Code ended with ${code}:\n${output}`)));
  });
  return {
    output: () => output,
    /** The workbench's address; `payload` is what the desktop takes as command line options. */
    url: (folder, payload = {}) =>
      `http://${host}/?${new URLSearchParams({ folder, payload: JSON.stringify(Object.entries(payload)) })}`,
    /** How the workbench names a path of this machine. */
    remote: file => `vscode-remote://${host}${file}`,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** No gallery, so that nothing is looked up; sockets in the home; nothing of a VS Code that this may run in. */
function environment(home) {
  const own = Object.entries(process.env).filter(([name]) => !/^(VSCODE_|CODE_SERVER_|ELECTRON_)/.test(name));
  return { ...Object.fromEntries(own), EXTENSIONS_GALLERY: '{}', TMPDIR: home, XDG_RUNTIME_DIR: home };
}
