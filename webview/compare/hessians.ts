import type { HessianComparison } from '../../src/engine/report/comparison';
import type { RitzValue } from '../../src/engine/estimators/result';
import type { HessiansState } from '../../src/protocol/compareView';
import { matrixName } from '../report/facts';
import { panel } from '../report/section';
import { button } from '../shared/controls';
import { type Child, element, fill, icon, setText } from '../shared/element';
import { formatCount, typesetNumber } from '../shared/format';
import { plainTable } from '../shared/scrollingTable';
import { findings } from './hessianWords';
import type { CompareChannel, Part } from './part';
import { sideMark } from './sideMark';

const question =
  'Do both curve alike in the last layer? Its Hessians are measured on both models and data: the norm of their difference, the spaces of their steepest directions, and the alignment of gradients and Hessian–gradient products.';

const eigenvalue = (found: RitzValue | undefined): Child[] =>
  found
    ? [
        typesetNumber(found.value, 4),
        found.converged
          ? undefined
          : element('span', { class: 'error' }, ` residual ${typesetNumber(found.residual, 1)}`),
      ]
    : ['–'];

function eigenvalueTable({ a, b }: HessianComparison): HTMLElement {
  const count = Math.max(a.eigenvalues.length, b.eigenvalues.length);
  return plainTable(
    'Largest eigenvalues of both Hessians',
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', { scope: 'col' }, 'Eigenvalue'),
        element('th', { scope: 'col', class: 'number' }, sideMark('a')),
        element('th', { scope: 'col', class: 'number' }, sideMark('b')),
      ),
    ),
    element(
      'tbody',
      {},
      ...Array.from({ length: count }, (_, i) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, `λ${i + 1}`),
          ...[a, b].map(side => element('td', { class: 'number' }, ...eigenvalue(side.eigenvalues[i]))),
        ),
      ),
    ),
  ).root;
}

const found = (comparison: HessianComparison, notes: readonly string[]): Child[] => {
  const { parameters, size, settings, a, b } = comparison;
  const matrix = settings.matrix === 'fisher' ? 'empirical Fisher' : matrixName(settings.matrix);
  return [
    element(
      'p',
      { class: 'meaning' },
      `${matrix} of the ${settings.loss} loss over `,
      ...parameters.flatMap((name, i) => [i ? ', ' : '', element('code', {}, name)]),
      ` (${formatCount(size)} weights), on ${formatCount(a.samples)} and ${formatCount(b.samples)} samples.`,
    ),
    element(
      'div',
      { class: 'side-by-side' },
      element(
        'dl',
        { class: 'findings' },
        ...findings(comparison).map(({ name, value, meaning }) =>
          element(
            'div',
            {},
            element('dt', {}, name),
            element('dd', { class: 'value' }, value),
            element('dd', {}, meaning),
          ),
        ),
      ),
      eigenvalueTable(comparison),
    ),
    ...notes.map(text =>
      element('p', { class: 'notice', 'data-severity': 'warning' }, icon('warning'), text),
    ),
  ];
};

/** The Hessians of the last layer, where models and data are at hand. */
export function hessians(channel: CompareChannel): Part {
  const measure = button({
    label: 'Compare Hessians of the Last Layer',
    icon: 'play',
    primary: true,
    onPress: () => channel.post({ type: 'compareHessians' }),
  });
  const resume = button({
    label: 'Resume',
    icon: 'debug-continue',
    primary: true,
    description:
      'Resume: compare the Hessians of the last layer, go on with what is kept of a run that was cut short',
    onPress: () => channel.post({ type: 'compareHessians' }),
  });
  const cancel = button({
    label: 'Cancel',
    icon: 'debug-stop',
    onPress: () => channel.post({ type: 'cancel' }),
  });
  const fraction = element('span');
  const bar = element(
    'div',
    {
      ...{ class: 'bar', role: 'progressbar', 'aria-label': 'Comparison of Hessians' },
      ...{ 'aria-valuemin': '0', 'aria-valuemax': '100' },
    },
    fraction,
  );
  const message = element('span');
  const progress = element('div', { class: 'progress' }, bar, element('p', {}, message, cancel.root));
  const body = element('div', { class: 'hessian-body' });
  const root = panel('Hessians of the last layer', 'hessians');
  root.append(body, progress, measure.root, resume.root);

  function showProgress(hessiansState: HessiansState & { readonly phase: 'running' }): void {
    const now = hessiansState.progress;
    const percent = Math.round(100 * (now?.fraction ?? 0));
    fraction.style.width = `${percent}%`;
    bar.setAttribute('aria-valuenow', String(percent));
    bar.setAttribute('aria-valuetext', `${percent} %, ${now?.message ?? 'Starting'}`);
    setText(message, now?.message ?? 'Starting…');
  }

  return {
    root,
    update({ comparison, hessians: now }) {
      root.hidden = !comparison || (!channel.hasHost && now.phase !== 'done');
      if (root.hidden) return;
      progress.hidden = now.phase !== 'running';
      const canResume = now.phase === 'idle' && now.canResume === true;
      measure.root.hidden = now.phase !== 'idle' || canResume;
      resume.root.hidden = !canResume;
      if (now.phase === 'running') showProgress(now);
      const { phase } = now;
      fill(body, phase === 'running' ? phase : now, () => {
        switch (now.phase) {
          case 'done':
            return found(now.comparison, now.notes);
          case 'unavailable':
            return [
              element('p', {}, question),
              element('p', { class: 'notice' }, icon('info'), `Not at hand: ${now.reason}`),
            ];
          case 'idle':
          case 'running': {
            const error = now.phase === 'idle' ? now.error : undefined;
            return [
              element('p', {}, question),
              error &&
                element(
                  'div',
                  { class: 'notice', role: 'alert', 'data-severity': 'error' },
                  icon('error'),
                  [error.message, error.hint].filter(Boolean).join(' '),
                ),
            ];
          }
        }
      });
    },
  };
}
