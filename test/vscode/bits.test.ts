import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { exportFormats } from '../../src/engine/export/options';
import { parseBits } from '../../src/engine/report/bits';
import type { Report } from '../../src/engine/report/schema';
import {
  activated,
  analysisOf,
  analyze,
  catchingErrors,
  eventually,
  hoverText,
  inWorkspace,
  textOf,
} from '../support/vscode/host';

const model = 'digits_cnn.onnx';

const textIn = async (file: vscode.Uri): Promise<string> =>
  Buffer.from(await vscode.workspace.fs.readFile(file)).toString();

async function write(name: string, value: unknown): Promise<vscode.TextDocument> {
  const file = inWorkspace(name);
  await vscode.workspace.fs.writeFile(file, Buffer.from(JSON.stringify(value, null, 2)));
  const document = await vscode.workspace.openTextDocument(file);
  await vscode.window.showTextDocument(document);
  return document;
}

const problemsOf = (document: vscode.TextDocument, code: string): Promise<vscode.Diagnostic[]> =>
  eventually(`${code} in ${document.uri.path}`, () => {
    const found = vscode.languages.getDiagnostics(document.uri).filter(problem => problem.code === code);
    return found.length > 0 && found;
  });

const actionsAt = (document: vscode.TextDocument, range: vscode.Range): Thenable<vscode.CodeAction[]> =>
  vscode.commands.executeCommand('vscode.executeCodeActionProvider', document.uri, range);

async function take(document: vscode.TextDocument, range: vscode.Range, title: RegExp): Promise<void> {
  const actions = await actionsAt(document, range);
  const action = actions.find(one => title.test(one.title));
  assert.ok(action?.edit, `${String(title)} among ${actions.map(one => one.title).join()}`);
  assert.ok(await vscode.workspace.applyEdit(action.edit));
}

describe('files of bit widths', () => {
  let report: Report;
  before(async () => {
    await activated();
    const analysis = await analysisOf(model);
    if (analysis.state.phase !== 'done') await analyze(model);
    assert.ok(analysis.report);
    ({ report } = analysis);
  });

  const suggested = (): Record<string, number> =>
    Object.fromEntries(report.layers.map(({ name, bits }) => [name, bits ?? 32]));

  it('are saved beside the model, with the suggestion or what was chosen', async () => {
    const target = inWorkspace('saved.bits.json');
    await vscode.commands.executeCommand('curvature.saveBits', inWorkspace(model), undefined, target);
    assert.deepEqual(parseBits(await textIn(target)).bits, suggested());
    assert.equal(parseBits(await textIn(target)).model, model);
    const own = { ...suggested(), [report.layers[0]?.name ?? '']: 32 };
    await vscode.commands.executeCommand('curvature.saveBits', inWorkspace(model), own, target);
    assert.deepEqual(parseBits(await textIn(target)).bits, own);
  });

  it('with the suggested widths have nothing to mend', async () => {
    const document = await write('good.bits.json', { model, bits: { ...suggested(), nobody: 4 } });
    await problemsOf(document, 'unknown-layer');
    const others = vscode.languages.getDiagnostics(document.uri).filter(one => one.code === 'too-few-bits');
    assert.deepEqual(others, []);
  });

  it('tell what a width costs when hovered', async () => {
    const document = await write('hover.bits.json', { model, bits: suggested() });
    const [layer] = report.layers;
    assert.ok(layer);
    const at = document.positionAt(document.getText().indexOf(layer.name) + 1);
    const text = await hoverText(document.uri, at);
    assert.match(text, /% of the predicted loss increase of these widths · Ω /);
    assert.match(text, new RegExp(`Suggested: \\*\\*${layer.bits} bits\\*\\*`));
    assert.match(text, /Trace /);
  });

  it('warn of widths below what a layer stands, and mend one or all', async () => {
    const widest = report.layers.filter(({ bits }) => bits !== null && bits > 2);
    assert.ok(widest.length > 0);
    const low = Object.fromEntries(report.layers.map(({ name }) => [name, 2]));
    const document = await write('few.bits.json', { model, bits: low });
    const [problem] = await problemsOf(document, 'too-few-bits');
    const [, name, use] =
      /^(\S+): 2 bits carry [\d.]+ % of the predicted loss increase of these widths; it needs (\d+)\.$/.exec(
        problem?.message ?? '',
      ) ?? [];
    assert.ok(name && use && problem, problem?.message);
    assert.equal(document.getText(problem.range), `"${name}": 2`);
    await take(document, problem.range, new RegExp(`^Use ${use} bits \\(suggested\\)$`));
    assert.equal(parseBits(document.getText()).bits[name], Number(use));
    const mended = await eventually('the rest', async () => {
      const rest = vscode.languages.getDiagnostics(document.uri).filter(one => one.code === 'too-few-bits');
      const range = rest[0]?.range;
      if (!range) return true;
      const actions = await actionsAt(document, range);
      const all = actions.find(one => one.title.startsWith('Fix all')) ?? actions[0];
      if (all?.edit) await vscode.workspace.applyEdit(all.edit);
      return undefined;
    });
    assert.ok(mended);
    await new Promise(resolve => setTimeout(resolve, 400));
    const left = vscode.languages.getDiagnostics(document.uri).filter(one => one.code === 'too-few-bits');
    assert.deepEqual(left, []);
  });

  it('name the layer that was meant, and widths that were not measured', async () => {
    const [first, second] = report.layers;
    assert.ok(first && second);
    const bits = { [`${first.name}s`]: 4, [second.name]: 7 };
    const document = await write('names.bits.json', { model, bits });
    const [unknown] = await problemsOf(document, 'unknown-layer');
    assert.ok(unknown?.message.endsWith(`did you mean ${first.name}?`), unknown?.message);
    await take(document, unknown.range, /^Rename to /);
    assert.ok(parseBits(document.getText()).bits[first.name]);
    const [width] = await problemsOf(document, 'width-not-measured');
    assert.match(width?.message ?? '', /no figure for 7 bits; it has 2, 3, 4, 8/);
  });

  it('without a report say how to get one', async () => {
    const document = await write('alone.bits.json', { model: 'nowhere.onnx', bits: { a: 4 } });
    const [missing] = await problemsOf(document, 'no-report');
    assert.match(missing?.message ?? '', /analyze the model/);
  });

  it('have a schema', async () => {
    const document = await write('schema.bits.json', { bits: { a: 40 } });
    const found = await eventually('a remark of the JSON editor', () => {
      const all = vscode.languages.getDiagnostics(document.uri).filter(one => one.source !== 'curvature');
      return all.length > 0 && all;
    });
    assert.ok(found.length > 0);
  });
});

describe('exporting a quantized model', () => {
  it('writes a file that can be analysed again, in the widths that were asked for', async () => {
    const analysis = await analysisOf(model);
    if (analysis.state.phase !== 'done') await analyze(model);
    const bits = Object.fromEntries((analysis.report?.layers ?? []).map(({ name }) => [name, 8]));
    const target = inWorkspace('digits_cnn.q.onnx');
    await vscode.commands.executeCommand('curvature.exportQuantized', inWorkspace(model), bits, target);
    const { size } = await vscode.workspace.fs.stat(target);
    const { size: before } = await vscode.workspace.fs.stat(inWorkspace(model));
    assert.ok(size < before / 2, `${before} to ${size} bytes`);
    const text = await vscode.workspace.openTextDocument(textOf(target));
    // The text shows dequantized weights under the layers' own names; the file holds their integers.
    for (const name of Object.keys(bits)) assert.ok(text.getText().includes(name), name);
    assert.ok((await textIn(target)).includes('DequantizeLinear'));
  });

  it('asks for the format and the file, and writes what was chosen', async () => {
    const bits = Object.fromEntries(
      ((await analysisOf(model)).report?.layers ?? []).map(({ name }) => [name, 4]),
    );
    const target = inWorkspace('digits_cnn.blocks.onnx');
    const window = vscode.window as { showQuickPick: unknown; showSaveDialog: unknown };
    const { showQuickPick, showSaveDialog } = window;
    const offered: string[] = [];
    window.showQuickPick = (items: readonly { readonly format: string }[]) => {
      offered.push(...items.map(({ format }) => format));
      return Promise.resolve(items.find(({ format }) => format === 'auto'));
    };
    window.showSaveDialog = () => Promise.resolve(target);
    try {
      await vscode.commands.executeCommand('curvature.exportQuantized', inWorkspace(model), bits);
    } finally {
      Object.assign(window, { showQuickPick, showSaveDialog });
    }
    assert.deepEqual([...offered].sort(), [...exportFormats].sort());
    const written = await textIn(target);
    assert.ok(written.includes('MatMulNBits') && written.includes('DequantizeLinear'));
  });

  it('refuses names that no layer has', async () => {
    const target = inWorkspace('never.onnx');
    await catchingErrors(
      () => undefined,
      async shown => {
        const bits = { nobody: 4 };
        await vscode.commands.executeCommand('curvature.exportQuantized', inWorkspace(model), bits, target);
        const error = await eventually('an error', () => shown[0]);
        assert.match(error.message, /nobody/);
      },
    );
    await assert.rejects(Promise.resolve(vscode.workspace.fs.stat(target)));
  });
});
