import type { ViewState } from '../../src/protocol/view';
import { openChannel } from '../shared/channel';
import { registerControls } from '../shared/controls';
import { element } from '../shared/element';
import { followSystemTheme, readTheme, watchTheme } from '../shared/theme';
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
import './narrow.css';
import { diagnostics } from './diagnostics';
import { eigenvalues } from './eigenvalues';
import { frontier } from './frontier';
import { header } from './header';
import { layerTable } from './layerTable';
import { progress } from './progress';
import { provenance } from './provenance';
import type { Section } from './section';
import { sensitivity } from './sensitivity';
import { summary } from './summary';

const channel = openChannel();
if (!channel.hasHost) followSystemTheme();
registerControls();

const head = header(channel);
const charts: readonly Section[] = [sensitivity(channel), frontier(channel), eigenvalues()];
const above: readonly Section[] = [progress(), summary()];
const below: readonly Section[] = [layerTable(channel), diagnostics(), provenance(channel)];
const sections: readonly Section[] = [head, ...above, ...charts, ...below];

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
let restored = false;

function render(): void {
  if (!state) return;
  document.title = `${state.modelName} – Curvature`;
  const shown = { state, theme: readTheme() };
  for (const section of sections) section.update(shown);
  if (!restored && state.report) {
    restored = true;
    window.scrollTo(0, channel.ui.scrollTop);
    window.addEventListener('scroll', () => channel.keep({ scrollTop: window.scrollY }));
  }
}

watchTheme(render);
channel.listen(next => {
  state = next;
  render();
});
