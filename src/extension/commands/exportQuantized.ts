import * as vscode from 'vscode';
import type { ExportSummary } from '../../engine/analysis/exportSummary';
import { defaultExportOptions, type ExportFormat, type ExportOptions } from '../../engine/export/options';
import { formatBytes } from '../../engine/report/format';
import { granularityOf } from '../../engine/report/granularity';
import type { BitWidths } from '../chosenWidths';
import type { Ctx } from '../ctx';
import { MODEL_EDITOR } from '../editors/modelEditor';
import { exists, fileName, withoutExtension } from '../modelUri';
import { analysisError, Cancelled, UserError } from '../userError';
import { withProgress } from '../withProgress';
import { findReport, modelOf } from './findReport';
import type { Resource } from './resource';

/** Writes the model with the widths that the panel shows, or the report suggests, to `target` in `format`, or as and where the user says. */
export async function exportQuantized(
  ctx: Ctx,
  resource?: Resource,
  given?: BitWidths,
  target?: vscode.Uri,
  format?: ExportFormat,
): Promise<void> {
  if (!vscode.workspace.isTrusted) {
    throw new UserError('Nothing is written in an untrusted workspace.', 'Trust the workspace to export.');
  }
  const found = await findReport(ctx, resource);
  const model = modelOf(found);
  if (!(await exists(model))) {
    throw new UserError(`${fileName(model)} is not beside its report, so it can’t be quantized.`);
  }
  const bits = given ?? ctx.widths.of(found.source, found.report);
  const chosen = format ?? (target ? defaultExportOptions.format : await askFormat(model));
  const output = target ?? (await askTarget(model));
  if (!output) throw new Cancelled('no file was chosen');
  const options = { ...defaultExportOptions, granularity: granularityOf(found.report), format: chosen };
  const summary = await write(ctx, model, bits, options, output);
  tell(ctx, summary, output);
}

async function write(
  ctx: Ctx,
  model: vscode.Uri,
  bits: BitWidths,
  options: ExportOptions,
  output: vscode.Uri,
): Promise<ExportSummary> {
  // A process of its own, as for analyses: a model that is too large ends that process and nothing else.
  const engine = ctx.newEngine();
  try {
    const controller = new AbortController();
    return await withProgress(
      `Quantizing ${fileName(model)}`,
      () => controller.abort(),
      onProgress =>
        engine.exportQuantized(
          { model: model.fsPath, bits, options, output: output.fsPath },
          { signal: controller.signal, onProgress },
        ),
    );
  } catch (error) {
    throw analysisError(error, model, 'curvature.exportQuantized');
  } finally {
    engine.dispose();
  }
}

function tell({ log }: Ctx, { size, layers, notes }: ExportSummary, output: vscode.Uri): void {
  const remarks = [...notes, ...layers.flatMap(({ name, note }) => (note ? [`${name}: ${note}`] : []))];
  log.info(`Wrote ${output.fsPath}: ${size.before} to ${size.written} bytes, predicted ${size.predicted}`);
  for (const remark of remarks) log.info(remark);
  const [open, reveal, show] = ['Open', 'Reveal', 'Show Log'];
  const said = `${fileName(output)}: ${formatBytes(size.before)} → ${formatBytes(size.written)}.`;
  const remarked =
    remarks.length > 0 ? ` ${remarks.length} ${remarks.length > 1 ? 'remarks' : 'remark'}.` : '';
  void vscode.window
    .showInformationMessage(said + remarked, open, reveal, ...(remarks.length > 0 ? [show] : []))
    .then(chosen => {
      if (chosen === open) return vscode.commands.executeCommand('vscode.openWith', output, MODEL_EDITOR);
      if (chosen === reveal) return vscode.commands.executeCommand('revealInExplorer', output);
      return chosen === show ? log.show() : undefined;
    });
}

interface FormatItem extends vscode.QuickPickItem {
  readonly format: ExportFormat;
}

const formats: readonly FormatItem[] = [
  {
    format: 'qdq',
    label: 'DequantizeLinear (QDQ)',
    description: 'scales as in the report, per output channel or per block',
    detail: 'Integers behind standard operators, which every runtime reads.',
  },
  {
    format: 'auto',
    label: 'Automatic',
    description: 'MatMulNBits where it fits, DequantizeLinear elsewhere',
    detail: 'For ONNX Runtime: matrix products run on their integers, in blocks of 32 that share a scale.',
  },
  {
    format: 'matmulnbits',
    label: 'MatMulNBits',
    description: 'one scale per block of 32',
    detail: 'For ONNX Runtime: matrix products only; other layers, such as convolutions, keep their floats.',
  },
];

async function askFormat(model: vscode.Uri): Promise<ExportFormat> {
  const chosen = await vscode.window.showQuickPick(formats, {
    title: `Export ${fileName(model)}`,
    placeHolder: 'In which form should the integers stand?',
  });
  if (!chosen) throw new Cancelled('no format was chosen');
  return chosen.format;
}

function askTarget(model: vscode.Uri): Thenable<vscode.Uri | undefined> {
  const base = withoutExtension(model);
  return vscode.window.showSaveDialog({
    title: 'Export Quantized Model',
    defaultUri: base.with({ path: `${base.path}.q.onnx` }),
    filters: { 'ONNX models': ['onnx'] },
  });
}
