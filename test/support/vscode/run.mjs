// Runs the tests inside VS Code: node test/support/vscode/run.mjs [suite] [tour]   (both by default)
//   suite   out/vscode/*.test.js by mocha in the extension host
//   tour    out/vscode/ui/*.test.js by node:test, driving the workbench in Chromium as a person would
// What can't be run here is named and counted as skipped. The last line is `N passed, N failed, N skipped`.
import { runTests } from '@vscode/test-electron';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run as runNodeTests } from 'node:test';
import { pathToFileURL } from 'node:url';
import { findDesktop, findServer } from './install.mjs';
import { launchBrowser, makeHome, missingBrowser, startServer } from './server.mjs';
import { makeWorkspace } from './workspace.mjs';

const SUITE_TIMEOUT_MS = 600_000;
const extension = path.resolve(process.env.EXTENSION ?? '.');
const suite = path.resolve('out/vscode/main.js');

const skipped = reason => {
  console.log(`skipped: ${reason}`);
  return { passed: 0, failed: 0, skipped: 1 };
};
const failed = reason => {
  console.error(`failed: ${reason}`);
  return { passed: 0, failed: 1, skipped: 0 };
};

/** The mocha suite, in the desktop VS Code where there is one, else in the server's extension host. */
export async function runSuite() {
  const home = makeHome();
  const results = path.join(home.folder, 'results.txt');
  const folder = makeWorkspace(path.join(home.folder, 'workspace'));
  writeFileSync(results, '');
  try {
    const desktop = await findDesktop();
    if (desktop.executable) {
      await suiteInDesktop(desktop.executable, folder, results);
      return countsOf(results);
    }
    console.log(`${desktop.missing}; trying the VS Code server`);
    const server = await findServer();
    const missing = server.missing ?? missingBrowser();
    if (missing) return skipped(`tests in the extension host: ${missing}`);
    const problem = await suiteInServer(server.dist, home.folder, folder, results);
    if (!problem) return countsOf(results);
    // What had passed until then tells where it hangs.
    console.log(readFileSync(results, 'utf8').trimEnd());
    return failed(problem);
  } finally {
    home.remove();
  }
}

/** The tests that drive the workbench; they need the server, since a browser can be driven and Electron not so well. */
export async function runTour() {
  const server = await findServer();
  const missing = server.missing ?? missingBrowser();
  if (missing) return skipped(`tests that drive the workbench: ${missing}`);
  process.env.VSCODE_DIST = server.dist;
  process.env.EXTENSION = extension;
  const folder = path.resolve('out/vscode/ui');
  const files = readdirSync(folder).filter(name => name.endsWith('.test.js'));
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const events = runNodeTests({ files: files.map(name => path.join(folder, name)), concurrency: 1 });
  events.on('test:stdout', ({ message }) => process.stdout.write(message));
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    // A file and a suite are reported beside the tests in them.
    if (data.details?.type === 'suite' || files.some(file => data.name.endsWith(file))) continue;
    const outcome =
      data.skip === undefined || data.skip === false
        ? type === 'test:pass'
          ? 'passed'
          : 'failed'
        : 'skipped';
    counts[outcome]++;
    console.log(`  ${outcome}: ${data.name}`);
    if (type === 'test:fail') console.error(data.details.error);
  }
  return counts;
}

async function suiteInDesktop(executable, folder, results) {
  try {
    await runTests({
      vscodeExecutablePath: executable,
      extensionDevelopmentPath: extension,
      extensionTestsPath: suite,
      extensionTestsEnv: { VSC_TEST_OUT: results },
      launchArgs: [folder, '--disable-extensions', '--disable-workspace-trust'],
    });
  } catch (error) {
    console.error(String(error));
  }
}

/** Resolves with what went wrong besides failing tests, if anything. */
async function suiteInServer(dist, home, folder, results) {
  // Without this flag a built VS Code takes no notice of the tests named in the page's address.
  const args = ['--enable-smoke-test-driver'];
  const server = await startServer({ dist, home, args, env: { VSC_TEST_OUT: results } });
  const browser = await launchBrowser();
  const log = [];
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    const ended = new Promise(resolve => {
      setTimeout(() => resolve('the suite timed out'), SUITE_TIMEOUT_MS).unref();
      page.on('crash', () => resolve('the workbench crashed'));
      void page.exposeFunction('codeAutomationExit', () => resolve(undefined));
    });
    await page.exposeFunction(
      'codeAutomationLog',
      (type, parts) => void log.push(`[${type}] ${parts.map(String).join(' ')}`),
    );
    const payload = {
      extensionDevelopmentPath: server.remote(extension),
      extensionTestsPath: server.remote(suite),
    };
    await page.goto(server.url(folder, payload));
    const problem = await ended;
    if (process.env.DEBUG || problem) console.error(log.slice(-40).join('\n'));
    return problem;
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** The extension host may die and VS Code still report success, so only the suite's own last line counts. */
function countsOf(results) {
  const text = readFileSync(results, 'utf8');
  console.log(text.trimEnd());
  const closing = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(text);
  if (!closing) return failed('the suite did not reach its end: the extension host died');
  const [, passed, failures, pending] = closing.map(Number);
  return { passed, failed: failures, skipped: pending };
}

/** @param {string[]} parts */
export async function runVSCodeTests(parts = ['suite', 'tour']) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const part of parts) {
    const counts = await (part === 'tour' ? runTour() : runSuite());
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
  return total;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const parts = process.argv.slice(2);
  const {
    passed,
    failed: failures,
    skipped: pending,
  } = await runVSCodeTests(parts.length ? parts : undefined);
  console.log(`${passed} passed, ${failures} failed, ${pending} skipped`);
  process.exit(failures || passed + pending === 0 ? 1 : 0);
}
