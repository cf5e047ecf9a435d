import type { ViewState } from '../../src/protocol/view';
import { type Channel, type Choices, noChoices } from '../shared/channel';
import { bitsByName, type Plan, planOf, withPlan } from './plan';
import { stability } from './stability';

/** What is shown of a state, and the plan behind it. */
export interface Planned {
  /** Its report is as if it had suggested the plan's widths. */
  readonly state: ViewState;
  readonly plan: Plan | undefined;
  readonly kept: readonly number[] | undefined;
}

/** Keeps what the reader has settled, and chooses the widths anew after each change. */
export interface Planner {
  readonly canUndo: boolean;
  /** Changes of one `kind` in a row, such as the moves of a slider, are undone together. */
  decide(change: (choices: Choices) => Choices, kind?: string): void;
  undo(): void;
  reset(): void;
  plan(state: ViewState): Planned;
}

const MOST_UNDONE = 30;
const TELL_MS = 300;

export function planner(channel: Channel, onChange: () => void): Planner {
  const shares = stability(onChange);
  let lastKind: string | undefined;
  let frame = 0;
  let telling: ReturnType<typeof setTimeout> | undefined;
  let told = JSON.stringify({});

  function settle(choices: Choices, before: readonly Choices[]): void {
    channel.keep({ choices, before: before.slice(-MOST_UNDONE) });
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(onChange);
  }

  /** So that commands from the palette act on what the page shows. */
  function tell(bits: Readonly<Record<string, number>>): void {
    const key = JSON.stringify(bits);
    if (key === told) return;
    told = key;
    clearTimeout(telling);
    telling = setTimeout(() => channel.post({ type: 'widthsChosen', bits }), TELL_MS);
  }

  return {
    get canUndo() {
      return channel.ui.before.length > 0;
    },
    decide(change, kind) {
      const { choices, before } = channel.ui;
      const continues = kind !== undefined && kind === lastKind;
      settle(change(choices), continues ? before : [...before, choices]);
      lastKind = kind;
    },
    undo() {
      const { before } = channel.ui;
      lastKind = undefined;
      settle(before.at(-1) ?? noChoices, before.slice(0, -1));
    },
    reset() {
      const { choices, before } = channel.ui;
      lastKind = undefined;
      settle(noChoices, [...before, choices]);
    },
    plan(state) {
      const { report } = state;
      const plan = report && planOf(report, channel.ui.choices);
      shares.follow(plan);
      if (report && plan) tell(plan.isOwn ? bitsByName(report, plan) : {});
      const shown = report ? { ...state, report: withPlan(report, plan) } : state;
      return { state: shown, plan, kept: shares.kept };
    },
  };
}
