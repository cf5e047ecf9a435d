import { button } from '../shared/controls';
import { element, fill, icon, setText } from '../shared/element';
import { verdict } from './comparisonWords';
import type { CompareChannel, Part } from './part';

/** The two reports' names, what can be opened, and what the comparison comes to. */
export function head(channel: CompareChannel): Part {
  const title = element('h1');
  const toolbar = element('div', { class: 'actions' });
  const sentence = element('p', { class: 'verdict' });
  const notice = element('div', { class: 'notice', role: 'alert', 'data-severity': 'error' });
  const root = element(
    'header',
    { class: 'page-head' },
    element('div', { class: 'title-row' }, icon('git-compare'), title, toolbar),
    sentence,
    notice,
  );
  const open = (side: 'a' | 'b') =>
    button({
      label: `Open ${side.toUpperCase()}`,
      icon: 'open-preview',
      onPress: () => channel.post({ type: 'openReport', side }),
    });
  if (channel.hasHost) toolbar.append(open('a').root, open('b').root);
  return {
    root,
    update({ title: text, comparison, error }) {
      setText(title, text);
      const said = comparison ? verdict(comparison) : [];
      sentence.hidden = !comparison;
      fill(sentence, said, () =>
        said.map(phrase => (typeof phrase === 'string' ? phrase : element('code', {}, phrase.layer))),
      );
      notice.hidden = !error;
      fill(notice, error, () =>
        error
          ? [
              icon('error'),
              element(
                'div',
                {},
                element('p', {}, error.message),
                error.hint ? element('p', { class: 'hint' }, error.hint) : undefined,
              ),
            ]
          : [],
      );
    },
  };
}
