import type * as vscode from 'vscode';
import type { Report } from '../engine/report/schema';

/** Widths by layer; 32 leaves a layer in float32. */
export type BitWidths = Readonly<Record<string, number>>;

/** What the open panels show where it isn't their report's suggestion, so that commands act on what is seen. */
export class ChosenWidths {
  private readonly chosen = new Map<string, BitWidths>();

  /** @param bits none for the suggestion */
  set(source: vscode.Uri, bits: BitWidths): void {
    if (Object.keys(bits).length > 0) this.chosen.set(source.toString(), bits);
    else this.forget(source);
  }

  forget(source: vscode.Uri): void {
    this.chosen.delete(source.toString());
  }

  of(source: vscode.Uri, report: Report): BitWidths {
    return this.chosen.get(source.toString()) ?? suggestedWidths(report);
  }
}

const suggestedWidths = ({ layers }: Report): BitWidths =>
  Object.fromEntries(layers.flatMap(({ name, bits }) => (bits === null ? [] : [[name, bits]])));
