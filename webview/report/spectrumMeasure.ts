import type { Matrix } from '../../src/engine/curvature/matrices';
import { matrixNames } from '../../src/engine/report/format';
import { spectrumMatrix } from '../../src/engine/report/layerSpectrum';
import type { Report } from '../../src/engine/report/schema';
import type { Channel } from '../shared/channel';
import { button, dropdown } from '../shared/controls';
import { element } from '../shared/element';
import type { Section } from './section';
import { capital } from './spectrumWords';
import { resumeButton } from './studies';

const WHOLE = '';
const offered: readonly Matrix[] = ['hessian', 'ggn', 'fisher'];

/** What second derivatives reach. */
const layersOf = ({ layers }: Report): string[] =>
  layers.filter(layer => spectrumMatrix(layer) === 'hessian').map(({ name }) => name);

/** Asks for the spectrum of another layer or matrix; there only where something can run. */
export function spectrumMeasure(channel: Channel): Section {
  let layer = WHOLE;
  let matrix: Matrix = 'hessian';
  const layers = dropdown('Parameters to measure', value => (layer = value));
  const choice = dropdown(
    'Matrix to measure',
    value => (matrix = offered.find(one => one === value) ?? matrix),
  );
  const press = button({
    label: 'Measure',
    icon: 'play',
    description: 'Measure this spectrum',
    onPress: () =>
      channel.post({
        type: 'study',
        kind: 'spectrum',
        choice: { matrix, ...(layer === WHOLE ? {} : { layers: [layer] }) },
      }),
  });
  const resume = resumeButton(channel, 'spectrum', 'Spectrum');
  const root = element(
    'div',
    { class: 'spectrum-measure', role: 'group', 'aria-label': 'Measure a spectrum' },
    element('span', {}, 'Measure a spectrum:'),
    layers.root,
    choice.root,
    press.root,
    resume.root,
  );
  return {
    root,
    update({ state, measured }) {
      root.hidden = !channel.hasHost || !state.canAnalyze || !measured;
      if (!measured || root.hidden) return;
      resume.root.hidden = !state.resumable?.includes('spectrum');
      const names = layersOf(measured);
      if (!names.includes(layer)) layer = WHOLE;
      layers.set(
        [{ value: WHOLE, label: 'All parameters' }, ...names.map(name => ({ value: name, label: name }))],
        layer,
      );
      // The empirical Fisher matrix needs what the samples should have given.
      const known = offered.filter(one => one !== 'fisher' || measured.data.labels !== undefined);
      if (!known.includes(matrix)) matrix = 'hessian';
      choice.set(
        known.map(one => ({ value: one, label: capital(matrixNames[one]) })),
        matrix,
      );
      press.enable(state.phase === 'done' && state.study === undefined);
    },
  };
}
