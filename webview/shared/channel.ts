import { type Decisions, undecided } from '../../src/engine/analysis/decisions';
import type { FromView, ToView, ViewState } from '../../src/protocol/view';

/** What the reader has settled: the size, and how layers are bound. */
export interface Choices extends Decisions {
  /** In bytes; null for the report's own budget. */
  readonly budget: number | null;
}

export const noChoices: Choices = { budget: null, ...undecided };

/** What the reader has set on the page; kept by VS Code while the page itself is disposed. */
export interface UiState {
  readonly sortColumn: string;
  readonly descending: boolean;
  /** `averageTrace`, `suggested`, or a bit width whose Ω is shown. */
  readonly measure: string;
  readonly byValue: boolean;
  readonly choices: Choices;
  /** What `choices` were before, the last one at the end. */
  readonly before: readonly Choices[];
  /** The metric and the measurement of the picture of predictions; what there is where they are not. */
  readonly prediction: string;
  readonly measurement: string;
  readonly provenanceOpen: boolean;
  readonly selectedLayer: string | null;
  readonly scrollTop: number;
  readonly chartScrollTop: number;
  readonly tableScrollTop: number;
  /** The two sides of a comparison, by which VS Code makes its tab anew. */
  readonly sources: readonly string[];
}

const initialUi: UiState = {
  sortColumn: 'network',
  descending: false,
  measure: 'averageTrace',
  byValue: false,
  choices: noChoices,
  before: [],
  prediction: '',
  measurement: '',
  provenanceOpen: false,
  selectedLayer: null,
  scrollTop: 0,
  chartScrollTop: 0,
  tableScrollTop: 0,
  sources: [],
};

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** The page's one way out: messages to the extension and what the reader has set. */
export interface Channel<Message = FromView> {
  /** False in a saved HTML file, where nobody answers. */
  readonly hasHost: boolean;
  readonly ui: UiState;
  keep(changed: Partial<UiState>): void;
  post(message: Message): void;
}

/** Opens the channel; `onState` runs for every state, at once where it is embedded in the page. */
export function openChannel<State = ViewState, Message = FromView>(): Channel<Message> & {
  listen(onState: (state: State) => void): void;
} {
  const api = typeof acquireVsCodeApi === 'function' ? acquireVsCodeApi() : undefined;
  const kept = api?.getState();
  let ui: UiState = { ...initialUi, ...(typeof kept === 'object' ? kept : {}) };
  return {
    hasHost: api !== undefined,
    get ui() {
      return ui;
    },
    keep(changed) {
      ui = { ...ui, ...changed };
      api?.setState(ui);
    },
    post: message => api?.postMessage(message),
    listen(onState) {
      window.addEventListener('message', (event: MessageEvent<ToView<State>>) => {
        if (event.data?.type === 'stateChanged') onState(event.data.state);
      });
      const embedded = document.getElementById('curvature-state')?.textContent;
      if (!api && embedded) onState(JSON.parse(embedded) as State);
      api?.postMessage({ type: 'ready' });
    },
  };
}
