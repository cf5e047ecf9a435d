import type { Eigenvalue } from '../../src/engine/report/schema';
import { barStyle } from '../shared/bars';
import { axisStyle, type BarsConfig, chartView, tickStyle, tooltipStyle } from '../shared/chart';
import { element, fill, icon } from '../shared/element';
import { typesetNumber } from '../shared/format';
import { plainTable } from '../shared/scrollingTable';
import type { Theme } from '../shared/theme';
import { panel, type Section } from './section';

function largest(values: readonly Eigenvalue[]): Eigenvalue | undefined {
  return values.reduce<Eigenvalue | undefined>(
    (best, next) => (!best || next.value > best.value ? next : best),
    undefined,
  );
}

/** Residuals are shares of the eigenvalue. */
const errorOf = ({ value, residual }: Eigenvalue): number => residual * Math.abs(value);

/** What the spectrum means for someone who trains or quantizes the model. */
function meaning(values: readonly Eigenvalue[], smallest: Eigenvalue | undefined): string {
  const top = largest(values);
  if (!top) return '';
  const bound = top.converged
    ? ''
    : ' λmax has not converged: it is a lower bound, and the step an upper one.';
  const negative = values.filter(found => found.value < -errorOf(found)).length;
  const saddle = negative
    ? ` ${negative === 1 ? 'One direction curves' : `${negative} directions curve`} downwards: the weights are not at a minimum.`
    : '';
  const end = smallest ? otherEnd(smallest) : '';
  return top.value > 0
    ? `Largest stable gradient-descent step 2/λmax = ${typesetNumber(2 / top.value)}.${bound}${end || saddle}`
    : `No direction found curves upwards.${end || saddle}`;
}

/** A Ritz value lies within the spectrum, so that λmin is no larger, converged or not. */
function otherEnd({ value, converged }: Eigenvalue): string {
  const lambda = ` λmin = ${typesetNumber(value, 4)}${converged ? '' : ' or less (not converged)'}`;
  return value < 0
    ? `${lambda}: the loss curves downwards in some directions, and the weights are not at a minimum.`
    : `${lambda}.`;
}

function config(values: readonly Eigenvalue[], theme: Theme): BarsConfig {
  const colours = values.map(({ value }) => (value < 0 ? theme.error : theme.accent));
  return {
    type: 'barWithErrorBars',
    data: {
      labels: values.map((_, index) => `λ${index + 1}`),
      datasets: [
        {
          label: 'Eigenvalue',
          data: values.map(found => ({
            x: 0,
            y: found.value,
            yMin: found.value - errorOf(found),
            yMax: found.value + errorOf(found),
          })),
          ...barStyle(theme, colours),
          maxBarThickness: 40,
          errorBarWhiskerRatio: 0.35,
          errorBarWhiskerSize: 10,
        },
      ],
    },
    options: {
      scales: {
        x: { ...axisStyle(theme), grid: { display: false }, ticks: tickStyle(theme) },
        y: {
          ...axisStyle(theme),
          beginAtZero: true,
          ticks: {
            ...tickStyle(theme),
            maxTicksLimit: 5,
            callback: value => typesetNumber(Number(value), 2),
          },
        },
      },
      plugins: {
        tooltip: {
          ...tooltipStyle(theme),
          callbacks: {
            label: item => {
              const found = values[item.dataIndex];
              return found
                ? [typesetNumber(found.value, 5), `residual ${typesetNumber(found.residual, 2)}`]
                : '';
            },
          },
        },
      },
    },
  };
}

const head = (): HTMLElement =>
  element(
    'thead',
    {},
    element(
      'tr',
      {},
      element('th', { scope: 'col' }, '#'),
      element('th', { scope: 'col', class: 'number' }, 'Eigenvalue'),
      element('th', { scope: 'col', class: 'number' }, 'Residual'),
      element('th', { scope: 'col' }, 'Converged'),
    ),
  );

const row = ({ value, residual, converged }: Eigenvalue, index: number): HTMLElement =>
  element(
    'tr',
    {},
    element('th', { scope: 'row' }, `λ${index + 1}`),
    element('td', { class: 'number' }, typesetNumber(value, 5)),
    element('td', { class: 'number' }, typesetNumber(residual, 2)),
    element(
      'td',
      { class: converged ? 'good' : 'doubtful' },
      icon(converged ? 'check' : 'warning'),
      converged ? 'yes' : 'no',
    ),
  );

/** The Hessian's largest eigenvalues. */
export function eigenvalues(): Section {
  const chart = chartView<BarsConfig>();
  const sentence = element('p', { class: 'meaning' });
  const body = element('tbody');
  const root = panel('Largest Hessian eigenvalues', 'eigenvalues');
  root.append(
    sentence,
    element(
      'div',
      { class: 'side-by-side' },
      element('div', { class: 'chart-box small' }, chart.canvas),
      plainTable('Largest eigenvalues', head(), body).root,
    ),
  );
  return {
    root,
    update({ state, theme }) {
      const values = state.report?.eigenvalues ?? [];
      const smallest = state.report?.smallestEigenvalue;
      root.hidden = !values.length;
      if (!values.length) return;
      const top = largest(values);
      fill(sentence, [values, smallest], () => [
        element('strong', {}, `λmax = ${typesetNumber(top?.value ?? 0, 4)}`),
        ` ${meaning(values, smallest)}`,
      ]);
      fill(body, values, () => values.map(row));
      chart.draw(
        config(values, theme),
        `Bar chart of ${values.length} eigenvalues; the table beside it lists them. ${meaning(values, smallest)}`,
      );
    },
  };
}
