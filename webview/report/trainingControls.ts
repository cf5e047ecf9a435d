import type { StabilityReport } from '../../src/engine/report/stability';
import {
  type Optimizer,
  optimizers,
  stableProduct,
  type Training,
} from '../../src/engine/training/optimizers';
import { bandFor, isMeasuredFor } from '../../src/engine/training/verdict';
import { dropdown, numberField, slider } from '../shared/controls';
import { element } from '../shared/element';

const names: Readonly<Record<Optimizer, string>> = {
  sgd: 'SGD',
  nesterov: 'SGD, Nesterov',
  adam: 'Adam',
};

/** Positions of a slider, and what they stand for. */
interface Steps {
  readonly last: number;
  valueAt(step: number): number;
  stepOf(value: number): number;
}

const RATE_STEPS = 200;
/** Batch sizes go from 1 to at least this power of two. */
const LEAST_EXPONENT = 10;
const MOMENTUM_STEPS = 99;

/** Learning rates in whole decades, from below what single samples allow to above what any momentum does. */
function rateSteps(study: StabilityReport): Steps {
  const { optimizer, momentum, learningRate } = study.training;
  const alone = bandFor({ optimizer, momentum, batchSize: 1 }, study).sufficient;
  const most = stableProduct(optimizer, Math.max(momentum, 0.9)) / study.largest.value;
  const low = Math.floor(Math.log10(Math.min(alone, learningRate)));
  const high = Math.ceil(Math.log10(Math.max(most, learningRate)));
  return {
    last: RATE_STEPS,
    valueAt: step => Number((10 ** (low + ((high - low) * step) / RATE_STEPS)).toPrecision(2)),
    stepOf: value => (RATE_STEPS * (Math.log10(value) - low)) / (high - low),
  };
}

function batchSteps({ samples, training }: StabilityReport): Steps {
  const last = Math.max(LEAST_EXPONENT, Math.ceil(Math.log2(Math.max(samples, training.batchSize))));
  return { last, valueAt: step => 2 ** step, stepOf: Math.log2 };
}

const momentumSteps: Steps = {
  last: MOMENTUM_STEPS,
  valueAt: step => step / 100,
  stepOf: momentum => 100 * momentum,
};

interface Field {
  readonly root: HTMLElement;
  set(value: number, steps: Steps): void;
}

/** A number that can be typed or slid. */
function field(label: string, isValid: (value: number) => boolean, onChange: (value: number) => void): Field {
  let steps: Steps | undefined;
  const title = element('span', { class: 'field-label', 'aria-hidden': 'true' }, label);
  const typed = numberField(label, isValid, onChange);
  const slid = slider(`${label}, slider`, step => steps && onChange(steps.valueAt(step)));
  return {
    root: element('div', { class: 'field' }, title, typed.root, slid.root),
    set(value, next) {
      steps = next;
      typed.set(value);
      const step = Math.round(next.stepOf(value));
      slid.set(Math.min(next.last, Math.max(0, step)), next.last, String(value));
    },
  };
}

export interface TrainingControls {
  readonly root: HTMLElement;
  set(study: StabilityReport, training: Training): void;
}

/** Settings of training to try out: those that what was measured tells about. */
export function trainingControls(onChange: (changed: Partial<Training>) => void): TrainingControls {
  const optimizer = dropdown('Optimizer', value => {
    const chosen = optimizers.find(one => one === value);
    if (chosen) onChange({ optimizer: chosen });
  });
  const rate = field(
    'Learning rate',
    x => x > 0,
    learningRate => onChange({ learningRate }),
  );
  const batch = field(
    'Batch size',
    x => Number.isInteger(x) && x > 0,
    batchSize => onChange({ batchSize }),
  );
  const momentum = field(
    'Momentum',
    x => x >= 0 && x < 1,
    value => onChange({ momentum: value }),
  );
  const choice = element(
    'div',
    { class: 'field' },
    element('span', { class: 'field-label', 'aria-hidden': 'true' }, 'Optimizer'),
    optimizer.root,
  );
  let steps: { readonly of: StabilityReport; readonly rate: Steps } | undefined;
  return {
    root: element(
      'div',
      { class: 'fields', role: 'group', 'aria-label': 'Settings to try out' },
      ...[choice, rate.root, batch.root, momentum.root],
    ),
    set(study, training) {
      if (steps?.of !== study) steps = { of: study, rate: rateSteps(study) };
      const offered = optimizers.filter(one => isMeasuredFor({ optimizer: one }, study));
      optimizer.set(
        offered.map(value => ({ value, label: names[value] })),
        training.optimizer,
      );
      rate.set(training.learningRate, steps.rate);
      batch.set(training.batchSize, batchSteps(study));
      momentum.set(training.momentum, momentumSteps);
    },
  };
}
