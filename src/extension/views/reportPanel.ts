import type * as vscode from 'vscode';
import type { FromView, ViewState } from '../../protocol/view';
import { type Page, PagePanel, type PanelSource } from './pagePanel';

export type ReportSource = PanelSource<ViewState, FromView>;

const page: Page<FromView> = {
  name: 'report',
  messages: {
    ready: true,
    analyze: true,
    study: true,
    measureActivations: true,
    cancel: true,
    retry: true,
    resume: true,
    chooseData: true,
    compare: true,
    saveReport: true,
    revealLayer: true,
    widthsChosen: true,
    saveBits: true,
    exportQuantized: true,
  },
};

/** A report in a tab. */
export class ReportPanel extends PagePanel<ViewState, FromView> {
  constructor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri, source: ReportSource) {
    super(panel, extensionUri, page, source.state.modelName, source);
  }
}
