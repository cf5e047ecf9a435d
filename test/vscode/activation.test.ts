import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { activated } from '../support/vscode/host';

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

describe('activation', () => {
  it('gives the analyses', async () => {
    assert.deepEqual((await activated()).analyses.running, []);
  });

  it('registers the commands that the manifest declares', async () => {
    const manifest = vscode.extensions.getExtension('curvature.curvature')?.packageJSON as Manifest;
    const declared = manifest.contributes.commands.map(({ command }) => command).sort();
    const all = await vscode.commands.getCommands(true);
    // VS Code adds commands of its own for custom editors; those hold more than one dot after the name.
    const registered = all.filter(id => /^curvature\.[a-zA-Z]+$/.test(id)).sort();
    assert.deepEqual(registered, declared);
  });
});
