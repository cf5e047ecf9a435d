// Readies a checkout: installs the dependencies when node_modules is missing or older than the lock file, and makes the
// folder for results.
import { execSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const lock = path.join(root, 'package-lock.json');
const installed = path.join(root, 'node_modules', '.package-lock.json');
const isCurrent = existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
if (!isCurrent) {
  console.log('Installing dependencies …');
  execSync('npm ci --no-audit --no-fund', { cwd: root, stdio: 'inherit' });
}
mkdirSync(path.join(root, 'out'), { recursive: true });
