import type { ViewState } from '../../src/protocol/view';
import { openChannel } from '../shared/channel';
import { registerControls } from '../shared/controls';
import { element } from '../shared/element';
import { followSystemTheme, readTheme, type Theme, watchTheme } from '../shared/theme';
import '@vscode/codicons/dist/codicon.css';
import '../shared/theme.css';
import './base.css';
import './bits.css';
import './header.css';
import './summary.css';
import './panels.css';
import './charts.css';
import './tables.css';
import './details.css';
import './studies.css';
import './spectrum.css';
import './learningRates.css';
import './coupling.css';
import './trust.css';
import './contents.css';
import './narrow.css';
import '../shared/forcedColours.css';
import { activations } from './activations';
import { type Chapter, contents } from './contents';
import { coupling } from './coupling';
import { diagnostics } from './diagnostics';
import { eigenvalues } from './eigenvalues';
import { foldable } from './foldable';
import { frontier } from './frontier';
import { header } from './header';
import { layerTable } from './layerTable';
import { learningRates } from './learningRates';
import { planner } from './planner';
import { prediction } from './prediction';
import { proof } from './proof';
import { progress } from './progress';
import { provenance } from './provenance';
import type { Section } from './section';
import { sensitivity } from './sensitivity';
import { spectrum } from './spectrum';
import { studies } from './studies';
import { summary } from './summary';
import { trust } from './trust';

const channel = openChannel();
if (!channel.hasHost) followSystemTheme();
registerControls();

const plans = planner(channel, follow);
const head = header(channel);
const figures = summary();
const sizes = frontier(channel, plans);
const table = layerTable(channel, plans);
const bars = sensitivity(channel);
const trusted = trust(channel);
const running = progress();

/** What a reader asks first comes first; what explains it can be folded away. */
const chapter = (id: string, label: string, section: Section): Chapter => ({ id, label, section });
const folding = (id: string, label: string, section: Section): Chapter => {
  const made = foldable(section, id, channel);
  return { id, label, section: made, unfold: made.unfold };
};
const answer: readonly Chapter[] = [
  chapter('summary', 'Summary', figures),
  chapter('budget', 'Budget', sizes),
  chapter('layers', 'Layers', table),
];
const reasons: readonly Chapter[] = [
  chapter('sensitivity', 'Sensitivity', bars),
  chapter('eigenvalues', 'Eigenvalues', eigenvalues()),
];
const evidence: readonly Chapter[] = [
  folding('activations', 'Activations', activations()),
  folding('prediction', 'Prediction', prediction(channel)),
  folding('proof', 'Proof', proof()),
  folding('spectrum', 'Spectrum', spectrum(channel)),
  folding('training', 'Training', learningRates(channel)),
  folding('coupling', 'Coupling', coupling(channel)),
  folding('trust', 'Trust', trusted),
  chapter('more', 'More to measure', studies(channel)),
  folding('diagnostics', 'Diagnostics', diagnostics()),
  folding('provenance', 'Provenance', provenance()),
];
const chapters = [...answer, ...reasons, ...evidence];
const navigation = contents(chapters);

const rootsOf = (some: readonly Chapter[]) => some.map(({ section }) => section.root);
document.body.append(
  head.root,
  navigation.root,
  element(
    'main',
    {},
    running.root,
    ...rootsOf(answer),
    element('div', { class: 'charts' }, ...rootsOf(reasons)),
    ...rootsOf(evidence),
  ),
);

let state: ViewState | undefined;
/** Reading the colours takes longer than choosing widths anew, so that is done once for a theme. */
let theme: Theme | undefined;
let restored = false;
let resting: ReturnType<typeof setTimeout> | undefined;
const REST_MS = 100;

function update(sections: readonly Section[]): void {
  if (!state) return;
  const shown = { ...plans.plan(state), measured: state.report, theme: (theme ??= readTheme()) };
  for (const section of sections) section.update(shown);
}

/** After a change of plan: the bars, which only take their colours from the widths, wait until a slider rests. */
function follow(): void {
  update([head, figures, sizes, table, trusted]);
  clearTimeout(resting);
  resting = setTimeout(() => update([bars]), REST_MS);
}

function render(): void {
  if (!state) return;
  document.title = `${state.modelName} – Curvature`;
  const asked = state.askedSpectrum;
  const isNew = asked !== undefined && asked.at > channel.ui.answered;
  if (isNew) channel.keep({ answered: asked.at, spectrum: { ...channel.ui.spectrum, key: asked.key } });
  update([head, running, ...chapters.map(({ section }) => section)]);
  navigation.update();
  if (!restored && state.report) {
    restored = true;
    window.scrollTo(0, channel.ui.scrollTop);
    window.addEventListener('scroll', () => channel.keep({ scrollTop: window.scrollY }));
  }
  if (isNew) navigation.goTo('spectrum');
}

watchTheme(() => {
  theme = undefined;
  render();
});
channel.listen(next => {
  state = next;
  render();
});
