// What runs now, in the status bar; and a word when a run has ended.
import { lab } from './shared.js';
import { ids } from './commands.js';
import { element, outline } from './icons.js';

/** The item of the status bar: the newest run that is live, and how many more there are. */
export function addStatusItem(app, statusBar, runs) {
  const node = element('button', { type: 'button', class: 'hfft-running' });
  node.addEventListener('click', () => app.commands.execute(ids.openRuns));
  const active = new lab.signaling.Signal({});
  let shown = '';
  const show = () => {
    const [first, ...more] = runs.live;
    const words = first ? [first.title, first.words, ...(more.length ? [`${more.length} more`] : [])].join(' · ') : '';
    if (words !== shown) {
      node.replaceChildren(...(first ? [outline(first.icon), element('span', {}, words)] : []));
      node.title = `${words}: open the panel of runs`;
    }
    if (Boolean(words) !== Boolean(shown)) active.emit();
    shown = words;
  };
  runs.changed.connect(show);
  statusBar.registerStatusItem('hfft-widgets:status', {
    item: new lab.widgets.Widget({ node: element('div', { class: 'hfft-status-item' }, node) }),
    align: 'left',
    rank: 10,
    isActive: () => runs.live.length > 0,
    activeStateChanged: active,
  });
}

/** Say so when a run ends or stalls, with the way to it. */
export function tellEnds(app, runs, settings) {
  const { Notification } = lab.apputils;
  const open = run => [{ label: 'Open', callback: () => void app.commands.execute(ids.openRun, { id: run.id }) }];
  runs.stalled.connect((_, run) => {
    if (settings.get('notify')) Notification.emit(`${run.title} ${stalls(run)}`, 'warning', { autoClose: false, actions: open(run) });
  });
  runs.ended.connect((_, run) => {
    if (!settings.get('notify')) return;
    const [kind, words] = ENDS[run.stage] ?? ['info', 'has ended'];
    const why = run.stage === 'ERROR' && run.reason ? `: ${run.reason}` : '';
    Notification.emit(`${run.title} ${words}${why}`, kind, { autoClose: run.stage === 'ERROR' ? false : 10_000, actions: open(run) });
  });
}

const stalls = run => (run.stage === 'SCHEDULING'
  ? 'has waited for a machine for more than an hour'
  : 'stalls: nothing new has come for far longer than usual');

const ENDS = {
  COMPLETED: ['success', 'is done'],
  CANCELED: ['info', 'was cancelled'],
  ERROR: ['error', 'failed'],
};
