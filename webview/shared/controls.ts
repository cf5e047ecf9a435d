import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDropdown,
  vsCodeOption,
  type Button,
  type Checkbox,
  type Dropdown,
} from '@vscode/webview-ui-toolkit';
import { element, icon } from './element';

/** Registers the toolkit's elements; called once, before any control is made. */
export function registerControls(): void {
  provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeCheckbox(), vsCodeDropdown(), vsCodeOption());
}

export interface ButtonOptions {
  readonly label: string;
  readonly icon?: string;
  readonly primary?: boolean;
  /** Accessible name where the label alone says too little. */
  readonly description?: string;
  readonly onPress: () => void;
}

export interface ButtonControl {
  readonly root: HTMLElement;
  enable(enabled: boolean): void;
}

export function button(options: ButtonOptions): ButtonControl {
  const made = document.createElement('vscode-button') as Button;
  made.setAttribute('appearance', options.primary ? 'primary' : 'secondary');
  if (options.description) {
    made.setAttribute('aria-label', options.description);
    made.title = options.description;
  }
  if (options.icon) {
    const start = icon(options.icon);
    start.slot = 'start';
    made.append(start);
  }
  made.append(options.label);
  made.addEventListener('click', options.onPress);
  return {
    root: made,
    enable(enabled) {
      if (made.disabled === enabled) made.disabled = !enabled;
    },
  };
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

export interface DropdownControl {
  readonly root: HTMLElement;
  set(choices: readonly Choice[], value: string): void;
}

export function dropdown(label: string, onChoose: (value: string) => void): DropdownControl {
  const root = document.createElement('vscode-dropdown') as Dropdown;
  root.setAttribute('aria-label', label);
  root.addEventListener('change', () => onChoose(root.value));
  let shown = '';
  return {
    root,
    set(choices, value) {
      const key = JSON.stringify(choices);
      if (key !== shown) {
        shown = key;
        root.replaceChildren(
          ...choices.map(choice => {
            const option = document.createElement('vscode-option');
            option.setAttribute('value', choice.value);
            if (choice.value === value) option.setAttribute('selected', '');
            option.textContent = choice.label;
            return option;
          }),
        );
      }
      if (root.value !== value) root.value = value;
    },
  };
}

export interface CheckboxControl {
  readonly root: HTMLElement;
  set(checked: boolean): void;
}

export function checkbox(label: string, onToggle: (checked: boolean) => void): CheckboxControl {
  const root = document.createElement('vscode-checkbox') as Checkbox;
  root.textContent = label;
  root.addEventListener('change', () => onToggle(root.checked));
  return {
    root,
    set(checked) {
      if (root.checked !== checked) root.checked = checked;
    },
  };
}

export interface SliderControl {
  readonly root: HTMLInputElement;
  set(position: number, last: number, spoken: string): void;
}

/** A plain range input: the toolkit has none. */
export function slider(label: string, onMove: (position: number) => void): SliderControl {
  const root = element('input', { type: 'range', class: 'slider', min: '0', step: '1', 'aria-label': label });
  root.addEventListener('input', () => onMove(root.valueAsNumber));
  return {
    root,
    set(position, last, spoken) {
      root.max = String(last);
      root.valueAsNumber = position;
      root.setAttribute('aria-valuetext', spoken);
    },
  };
}

export interface NumberControl {
  readonly root: HTMLInputElement;
  /** Leaves alone what is being typed. */
  set(value: number): void;
}

/** A plain number input; what is no number that `isValid` is marked, and not passed on. */
export function numberField(
  label: string,
  isValid: (value: number) => boolean,
  onEnter: (value: number) => void,
): NumberControl {
  const root = element('input', { type: 'number', class: 'number-field', step: 'any', 'aria-label': label });
  const mark = (isRight: boolean): void => root.setAttribute('aria-invalid', String(!isRight));
  root.addEventListener('input', () => {
    const value = root.valueAsNumber;
    mark(isValid(value));
    if (isValid(value)) onEnter(value);
  });
  return {
    root,
    set(value) {
      if (root.valueAsNumber === value || document.activeElement === root) return;
      root.valueAsNumber = value;
      mark(true);
    },
  };
}
