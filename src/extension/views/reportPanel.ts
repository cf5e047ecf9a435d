import * as vscode from 'vscode';
import type { FromView, ToView, ViewState } from '../../protocol/view';
import { Disposable } from '../dispose';
import { throttle } from '../throttle';
import { pageHtml, webviewRoot } from './html';

/** What a panel shows and talks to. */
export interface PanelSource {
  readonly state: ViewState;
  readonly onDidChange: vscode.Event<unknown>;
  /** Answers what the page asks for; `ready` is the panel's own matter. */
  readonly handle: (message: Exclude<FromView, { type: 'ready' }>) => unknown;
}

const PUSH_INTERVAL_MS = 100;

/**
 * One page in one tab. It gets the whole state when it says it is ready and after each change, so it can be thrown
 * away when hidden and made anew when shown.
 */
export class ReportPanel extends Disposable {
  private isReady = false;

  constructor(
    private readonly panel: vscode.WebviewPanel,
    extensionUri: vscode.Uri,
    private readonly source: PanelSource,
  ) {
    super();
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [webviewRoot(extensionUri)] };
    const push = this.register(throttle(() => this.push(), PUSH_INTERVAL_MS));
    this.register(webview.onDidReceiveMessage((message: unknown) => this.receive(message)));
    this.register(source.onDidChange(() => push.call()));
    this.register(vscode.workspace.onDidGrantWorkspaceTrust(() => push.call()));
    panel.onDidDispose(() => this.dispose());
    webview.html = pageHtml(webview, extensionUri, 'report', source.state.modelName);
  }

  private push(): void {
    if (!this.isReady) return;
    const message: ToView = { type: 'stateChanged', state: this.source.state };
    void this.panel.webview.postMessage(message);
  }

  private receive(message: unknown): void {
    if (!isFromView(message)) return;
    if (message.type !== 'ready') {
      this.source.handle(message);
      return;
    }
    this.isReady = true;
    this.push();
  }
}

const messageTypes: Record<FromView['type'], true> = {
  ready: true,
  analyze: true,
  study: true,
  cancel: true,
  retry: true,
  resume: true,
  chooseData: true,
  saveReport: true,
  revealLayer: true,
  widthsChosen: true,
  saveBits: true,
  exportQuantized: true,
};

const isFromView = (message: unknown): message is FromView =>
  typeof message === 'object' &&
  message !== null &&
  'type' in message &&
  String(message.type) in messageTypes;
