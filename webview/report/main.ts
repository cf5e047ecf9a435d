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
import './narrow.css';
import { activations } from './activations';
import { coupling } from './coupling';
import { diagnostics } from './diagnostics';
import { eigenvalues } from './eigenvalues';
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
const bars = sensitivity(channel);
const sizes = frontier(channel, plans);
const table = layerTable(channel, plans);
const trusted = trust(channel);
const charts: readonly Section[] = [bars, sizes, eigenvalues()];
const above: readonly Section[] = [progress(), figures];
const below: readonly Section[] = [
  table,
  activations(),
  prediction(channel),
  proof(),
  spectrum(channel),
  learningRates(channel),
  coupling(channel),
  trusted,
  studies(channel),
  diagnostics(),
  provenance(channel),
];

const rootsOf = (some: readonly Section[]) => some.map(section => section.root);
document.body.append(
  head.root,
  element(
    'main',
    {},
    ...rootsOf(above),
    element('div', { class: 'charts' }, ...rootsOf(charts)),
    ...rootsOf(below),
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
  update([head, ...above, ...charts, ...below]);
  if (!restored && state.report) {
    restored = true;
    window.scrollTo(0, channel.ui.scrollTop);
    window.addEventListener('scroll', () => channel.keep({ scrollTop: window.scrollY }));
  }
}

watchTheme(() => {
  theme = undefined;
  render();
});
channel.listen(next => {
  state = next;
  render();
});
