import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { defaultOptions } from '../../../src/engine/analysis/options';
import { optionsFrom, settings, type Setting } from '../../../src/extension/settings';

interface Manifest {
  readonly icon: string;
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly configuration: {
      readonly properties: Readonly<
        Record<string, { readonly default: unknown; readonly [key: string]: unknown }>
      >;
    };
    readonly languages: readonly { readonly configuration: string }[];
    readonly grammars: readonly { readonly path: string }[];
  };
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const { commands, menus, configuration, languages, grammars } = manifest.contributes;
const declared = commands.map(({ command }) => command).sort();

test('each command has a file of its name, a line in the table, and a declaration', () => {
  // The table imports vscode, which plain Node doesn't have, so its keys are read from the text.
  const source = readFileSync('src/extension/commands/index.ts', 'utf8');
  const table = [...source.matchAll(/^ {2}'(curvature\.\w+)': (\w+),$/gm)];
  assert.deepEqual(table.map(([, id]) => id).sort(), declared);
  for (const [, id, handler] of table) assert.equal(id, `curvature.${handler}`);
  const files = new Set(readdirSync('src/extension/commands'));
  for (const [, , handler] of table) assert.ok(files.has(`${handler}.ts`), handler);
});

test('menus hold declared commands only', () => {
  for (const entries of Object.values(menus)) {
    for (const { command } of entries) assert.ok(declared.includes(command), command);
  }
});

test('each setting that is read is declared, with the default of the engine, and no other', () => {
  assert.deepEqual(Object.keys(configuration.properties).sort(), Object.keys(settings).sort());
  for (const [setting, option] of Object.entries(settings)) {
    const property = configuration.properties[setting];
    assert.deepEqual(property?.default ?? undefined, defaultOptions[option], setting);
    assert.ok(property?.description ?? property?.markdownDescription, `${setting} has no description`);
  }
});

test('untouched settings are the default options', () => {
  assert.deepEqual(
    optionsFrom(setting => configuration.properties[setting]?.default),
    defaultOptions,
  );
});

test('what the user sets reaches the option of that setting', () => {
  const read = (setting: Setting) =>
    ({ 'curvature.relativeTolerance': 0.2, 'curvature.batch': 8 })[setting as string];
  assert.deepEqual(optionsFrom(read), { ...defaultOptions, rtol: 0.2, batch: 8 });
});

test('files that the manifest names exist', () => {
  const named = [manifest.icon, ...languages.map(l => l.configuration), ...grammars.map(g => g.path)];
  for (const file of named) assert.ok(existsSync(path.resolve(file)), file);
});
