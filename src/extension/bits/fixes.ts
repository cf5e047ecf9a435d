import * as vscode from 'vscode';
import type { Analyses } from '../analyses';
import { rangeOf } from '../json/range';
import { bitsOf, readBitsFile, type RatedFile } from './bitsFile';
import type { BitsEntry } from './document';
import { bitsFindings, withEnoughBits } from './findings';

/** Mends what Problems shows in a file of bit widths: one layer at a time, or all that have too few bits. */
export class BitsFixes implements vscode.CodeActionProvider {
  static readonly kinds = [vscode.CodeActionKind.QuickFix];

  constructor(private readonly analyses: Analyses) {}

  async provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    { diagnostics }: vscode.CodeActionContext,
  ): Promise<vscode.CodeAction[]> {
    const file = await readBitsFile(document, this.analyses);
    const { content, report } = file;
    if (!report) return [];
    const bits = bitsOf(content);
    const findings = bitsFindings(bits, report);
    const actions = content.entries
      .filter(({ whole }) => rangeOf(document, whole).intersection(range) !== undefined)
      .flatMap(entry => {
        const shown = diagnostics.filter(one => rangeOf(document, entry.whole).contains(one.range));
        return findings
          .filter(({ layer }) => layer === entry.layer)
          .flatMap(finding => {
            if (finding.kind === 'unknown-layer') {
              const name = finding.nearest;
              if (name === undefined) return [];
              return [replacement(document, `Rename to ${name}`, entry.name, JSON.stringify(name), shown)];
            }
            if (finding.kind === 'untrusted-width') {
              const use = finding.trusted;
              if (use === undefined) return [];
              return [replacement(document, `Use ${use} bits (trusted)`, entry.value, String(use), shown)];
            }
            const use = finding.kind === 'too-few-bits' ? finding.use : finding.suggested;
            if (use === null) return [];
            return [replacement(document, `Use ${use} bits (suggested)`, entry.value, String(use), shown)];
          });
      });
    const all = fixAll(document, file);
    return all && actions.length > 0 ? [...actions, all] : actions;
  }
}

function replacement(
  document: vscode.TextDocument,
  title: string,
  where: BitsEntry['value'],
  text: string,
  diagnostics: vscode.Diagnostic[],
): vscode.CodeAction {
  const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  action.edit = new vscode.WorkspaceEdit();
  action.edit.replace(document.uri, rangeOf(document, where), text);
  action.diagnostics = diagnostics;
  action.isPreferred = true;
  return action;
}

/** Raises widths until none is too small; undefined where one action does the same. */
function fixAll(
  document: vscode.TextDocument,
  { content, report }: RatedFile,
): vscode.CodeAction | undefined {
  if (!report) return undefined;
  const bits = bitsOf(content);
  const enough = withEnoughBits(bits, report);
  const changed = content.entries.filter(({ layer, bits: now }) => enough[layer] !== now);
  if (changed.length < 2) return undefined;
  const action = new vscode.CodeAction(
    `Fix all ${changed.length} layers with too few bits`,
    vscode.CodeActionKind.QuickFix,
  );
  action.edit = new vscode.WorkspaceEdit();
  for (const { layer, value } of changed)
    action.edit.replace(document.uri, rangeOf(document, value), String(enough[layer]));
  return action;
}
