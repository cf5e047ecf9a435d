import type { CompareState, FromCompareView } from '../../src/protocol/compareView';
import { openChannel } from '../shared/channel';
import { registerControls } from '../shared/controls';
import { element } from '../shared/element';
import { followSystemTheme, readTheme, watchTheme } from '../shared/theme';
import '@vscode/codicons/dist/codicon.css';
import '../shared/theme.css';
import '../report/base.css';
import '../report/bits.css';
import '../report/header.css';
import '../report/panels.css';
import '../report/charts.css';
import '../report/tables.css';
import '../report/narrow.css';
import './compare.css';
import '../shared/forcedColours.css';
import { glance } from './glance';
import { head } from './head';
import { hessians } from './hessians';
import { layers } from './layers';
import type { Part } from './part';
import { traces } from './traces';

const channel = openChannel<CompareState, FromCompareView>();
if (!channel.hasHost) followSystemTheme();
registerControls();

let state: CompareState | undefined;
const top = head(channel);
const parts: readonly Part[] = [top, glance(), traces(channel, render), layers(channel), hessians(channel)];
document.body.append(
  top.root,
  element('main', {}, ...parts.filter(part => part !== top).map(part => part.root)),
);

let restored = false;

function render(): void {
  if (!state) return;
  document.title = `${state.title} – Curvature`;
  const theme = readTheme();
  for (const part of parts) part.update(state, theme);
  if (restored || !state.comparison) return;
  restored = true;
  window.scrollTo(0, channel.ui.scrollTop);
  window.addEventListener('scroll', () => channel.keep({ scrollTop: window.scrollY }));
}

watchTheme(render);
channel.listen(next => {
  state = next;
  channel.keep({ sources: next.sources });
  render();
});
