import * as vscode from 'vscode';
import type { ToView } from '../../protocol/view';
import { Disposable } from '../dispose';
import { throttle } from '../throttle';
import { pageHtml, webviewRoot } from './html';

/** One of the pages: its bundle, and the messages that it may send. */
export interface Page<Message extends { readonly type: string }> {
  readonly name: string;
  readonly messages: Readonly<Record<Message['type'], true>>;
}

/** What a panel shows and talks to. */
export interface PanelSource<State, Message extends { readonly type: string }> {
  readonly state: State;
  readonly onDidChange: vscode.Event<unknown>;
  /** Answers what the page asks for; `ready` is the panel's own matter. */
  readonly handle: (message: Exclude<Message, { type: 'ready' }>) => unknown;
}

const PUSH_INTERVAL_MS = 100;

/**
 * One page in one tab. It gets the whole state when it says it is ready and after each change, so it can be thrown
 * away when hidden and made anew when shown.
 */
export class PagePanel<State, Message extends { readonly type: string }> extends Disposable {
  private isReady = false;

  constructor(
    private readonly panel: vscode.WebviewPanel,
    extensionUri: vscode.Uri,
    private readonly page: Page<Message>,
    title: string,
    private readonly source: PanelSource<State, Message>,
  ) {
    super();
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [webviewRoot(extensionUri)] };
    const push = this.register(throttle(() => this.push(), PUSH_INTERVAL_MS));
    this.register(webview.onDidReceiveMessage((message: unknown) => this.receive(message)));
    this.register(source.onDidChange(() => push.call()));
    this.register(vscode.workspace.onDidGrantWorkspaceTrust(() => push.call()));
    panel.onDidDispose(() => this.dispose());
    webview.html = pageHtml(webview, extensionUri, page.name, title);
  }

  private push(): void {
    if (!this.isReady) return;
    const message: ToView<State> = { type: 'stateChanged', state: this.source.state };
    void this.panel.webview.postMessage(message);
  }

  private receive(message: unknown): void {
    if (!this.isMessage(message)) return;
    if (message.type === 'ready') {
      this.isReady = true;
      this.push();
    } else {
      this.source.handle(message as Exclude<Message, { type: 'ready' }>);
    }
  }

  private isMessage(message: unknown): message is Message {
    return (
      typeof message === 'object' &&
      message !== null &&
      'type' in message &&
      String(message.type) in this.page.messages
    );
  }
}
