import * as vscode from 'vscode';
import type { Analyses } from '../analyses';
import { rangeOf } from '../json/range';
import { quickFix } from '../json/quickFix';
import type { Span } from '../json/spans';
import { bitsOf, readBitsFile, type RatedFile } from './bitsFile';
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
        const fix = (title: string, where: Span, text: string): vscode.CodeAction[] => [
          quickFix(document, title, [{ where, text }], shown, true),
        ];
        return findings
          .filter(({ layer }) => layer === entry.layer)
          .flatMap(finding => {
            if (finding.kind === 'unknown-layer') {
              const name = finding.nearest;
              return name === undefined ? [] : fix(`Rename to ${name}`, entry.name, JSON.stringify(name));
            }
            if (finding.kind === 'untrusted-width') {
              const use = finding.trusted;
              return use === undefined ? [] : fix(`Use ${use} bits (trusted)`, entry.value, String(use));
            }
            const use = finding.kind === 'too-few-bits' ? finding.use : finding.suggested;
            return use === null ? [] : fix(`Use ${use} bits (suggested)`, entry.value, String(use));
          });
      });
    const all = fixAll(document, file);
    return all && actions.length > 0 ? [...actions, all] : actions;
  }
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
  const title = `Fix all ${changed.length} layers with too few bits`;
  return quickFix(
    document,
    title,
    changed.map(({ layer, value }) => ({ where: value, text: String(enough[layer]) })),
  );
}
