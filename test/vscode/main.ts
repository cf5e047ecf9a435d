import Mocha from 'mocha';
import { appendFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';

/**
 * What VS Code calls in its extension host. Every test file of this folder is taken, none is listed by hand. The results
 * go to the file `VSC_TEST_OUT`, since the host's console is mixed with the workbench's log.
 */
export function run(): Promise<void> {
  const out = process.env.VSC_TEST_OUT;
  const write = (...args: unknown[]): void => {
    if (out) appendFileSync(out, `${format(...args)}\n`);
    else console.log(...args);
  };
  Mocha.reporters.Base.consoleLog = write;
  const mocha = new Mocha({ ui: 'bdd', timeout: 180_000, color: false, reporter: 'spec' });
  const files = readdirSync(__dirname).filter(name => name.endsWith('.test.js'));
  for (const file of files) mocha.addFile(path.join(__dirname, file));
  return new Promise((resolve, reject) => {
    const runner = mocha.run(failures => {
      const { passes = 0, pending = 0 } = runner.stats ?? {};
      write(`${passes} passed, ${failures} failed, ${pending} skipped`);
      if (failures) reject(new Error(`${failures} tests failed`));
      else resolve();
    });
  });
}
