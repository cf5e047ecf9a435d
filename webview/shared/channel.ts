import { type Decisions, undecided } from '../../src/engine/analysis/decisions';
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
  readonly provenanceOpen: boolean;
  readonly selectedLayer: string | null;
  readonly scrollTop: number;
  readonly chartScrollTop: number;
  readonly tableScrollTop: number;
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
  provenanceOpen: false,
  selectedLayer: null,
  scrollTop: 0,
  chartScrollTop: 0,
  tableScrollTop: 0,
};

interface VsCodeApi {
  postMessage(message: FromView): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** The page's one way out: messages to the extension and what the reader has set. */
export interface Channel {
  /** False in a saved HTML file, where nobody answers. */
  readonly hasHost: boolean;
  readonly ui: UiState;
  keep(changed: Partial<UiState>): void;
  post(message: FromView): void;
}

/** Opens the channel; `onState` runs for every state, at once where it is embedded in the page. */
export function openChannel(): Channel & { listen(onState: (state: ViewState) => void): void } {
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
      window.addEventListener('message', (event: MessageEvent<ToView>) => {
        if (event.data?.type === 'stateChanged') onState(event.data.state);
      });
      const embedded = document.getElementById('curvature-state')?.textContent;
      if (!api && embedded) onState(JSON.parse(embedded) as ViewState);
      api?.postMessage({ type: 'ready' });
    },
  };
}
