import { type Decisions, undecided } from '../../src/engine/analysis/decisions';
import type { Training } from '../../src/engine/training/optimizers';
import type { FromView, ToView, ViewState } from '../../src/protocol/view';

/** What the reader has settled: the size, and how layers are bound. */
export interface Choices extends Decisions {
  /** In bytes; null for the report's own budget. */
  readonly budget: number | null;
}

export const noChoices: Choices = { budget: null, ...undecided };

/** Which spectrum the reader looks at, and how. */
export interface SpectrumView {
  /** Its matrix and parameters; the first one where there is none of these. */
  readonly key: string;
  /** Steps of the slider from the width that is shown first. */
  readonly widthSteps: number;
  readonly isLogDensity: boolean;
  readonly isLogAxis: boolean;
}

/** How the matrix of couplings is looked at. */
export interface CouplingView {
  /** Whether norms are shown beside those of the layers' own blocks. */
  readonly isRelative: boolean;
  /** Side of a cell in pixels; 0 for what fits. */
  readonly cell: number;
  /** The layers of the cell that was looked at last. */
  readonly pair: readonly [string, string] | null;
}

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
  readonly spectrum: SpectrumView;
  /** Settings of training that are tried out, beside those that were measured with. */
  readonly whatIf: { readonly of: Training; readonly training: Training } | null;
  readonly coupling: CouplingView;
  /** The step whose course is shown; the one that matters most where it is null. */
  readonly trustStep: { readonly layer: string; readonly bits: number } | null;
  /** When the spectrum was asked for that the page turned to last, in ms. */
  readonly answered: number;
  /** The sections that are folded away. */
  readonly folded: readonly string[];
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
  spectrum: { key: '', widthSteps: 0, isLogDensity: true, isLogAxis: true },
  whatIf: null,
  coupling: { isRelative: false, cell: 0, pair: null },
  trustStep: null,
  answered: 0,
  folded: ['provenance'],
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
  /** Marks a layer wherever it is shown, and shows it in the model's text. */
  select(layer: string): void;
  /** `listener` runs after each selection. */
  onSelect(listener: () => void): void;
  post(message: Message): void;
}

/** Opens the channel; `onState` runs for every state, at once where it is embedded in the page. */
export function openChannel<State = ViewState, Message = FromView>(): Channel<Message> & {
  listen(onState: (state: State) => void): void;
} {
  const api = typeof acquireVsCodeApi === 'function' ? acquireVsCodeApi() : undefined;
  const kept = api?.getState();
  let ui: UiState = { ...initialUi, ...(typeof kept === 'object' ? kept : {}) };
  const listeners: (() => void)[] = [];
  const keep = (changed: Partial<UiState>): void => {
    ui = { ...ui, ...changed };
    api?.setState(ui);
  };
  const post = (message: unknown): void => api?.postMessage(message);
  return {
    hasHost: api !== undefined,
    get ui() {
      return ui;
    },
    keep,
    select(layer) {
      keep({ selectedLayer: layer });
      for (const listener of listeners) listener();
      post({ type: 'revealLayer', layer });
    },
    onSelect: listener => listeners.push(listener),
    post,
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
