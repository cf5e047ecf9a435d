import * as vscode from 'vscode';
import type { Report } from '../../engine/report/schema';
import type { Analyses } from '../analyses';
import type { BitWidths } from '../chosenWidths';
import { exists, withoutExtension } from '../modelUri';
import { readReportFile } from '../reportFile';
import { type BitsDocument, readBitsDocument } from './document';

export const BITS_FILES: vscode.DocumentFilter = { pattern: '**/*.bits.json' };

export const isBitsFile = ({ uri }: vscode.TextDocument): boolean => /\.bits\.json$/i.test(uri.path);

export const bitsOf = ({ entries }: BitsDocument): BitWidths =>
  Object.fromEntries(entries.flatMap(({ layer, bits }) => (bits === undefined ? [] : [[layer, bits]])));

/** A file of bit widths with the report that it is read beside. */
export interface RatedFile {
  readonly content: BitsDocument;
  readonly report: Report | undefined;
}

/**
 * The report is the one that the file names, else `MODEL.curvature.json` beside the model, else what is kept of the model's last
 * analysis; the model is the one that the file names, or the one of its own name. A report that can't be read counts as none.
 */
export async function readBitsFile(document: vscode.TextDocument, analyses: Analyses): Promise<RatedFile> {
  const content = readBitsDocument(document.getText());
  const beside = (path: string): vscode.Uri => vscode.Uri.joinPath(document.uri, '..', path);
  const own = document.uri.with({ path: document.uri.path.replace(/\.bits\.json$/i, '.onnx') });
  const model = content.model === undefined ? own : beside(content.model);
  const base = withoutExtension(model);
  const named = content.report === undefined ? [] : [beside(content.report)];
  for (const file of [...named, base.with({ path: `${base.path}.curvature.json` })]) {
    const report = (await exists(file)) ? await readReportFile(file).catch(() => undefined) : undefined;
    if (report) return { content, report };
  }
  const report = (await exists(model)) ? (await analyses.of(model)).report : undefined;
  return { content, report };
}
