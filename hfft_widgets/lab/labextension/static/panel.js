// The left panel: what runs, and what ran before.
import { lab } from './shared.js';
import { ids } from './commands.js';
import { element, finetuneIcon, outline } from './icons.js';
import { Row } from './row.js';
import { server } from './server.js';

const SETTINGS = 'settingeditor:open'; // JupyterLab's own command
const COMMANDS = { open: ids.openRun, begin: ids.startNow, resume: ids.resume, cancel: ids.cancel, remove: ids.remove };

/** The panel's widget; it tells `runs` whether it is seen. */
export function runsPanel(app, runs) {
  const { SidePanel, Toolbar, ToolbarButton, addIcon, linkIcon, refreshIcon, settingsIcon } = lab.ui;
  const panel = new SidePanel({ content: new lab.widgets.Panel() });
  panel.id = 'hfft-runs';
  panel.addClass('hfft-runs');
  panel.title.icon = finetuneIcon();
  runs.changed.connect(() => tell(panel.title, runs.live.length));
  tell(panel.title, 0);
  panel.node.setAttribute('role', 'region');
  panel.node.setAttribute('aria-label', 'Fine-tuning runs');
  const button = (icon, tooltip, onClick, label) => new ToolbarButton({ icon, tooltip, onClick, label });
  const run = (command, args) => () => app.commands.execute(command, args);
  const items = {
    start: button(addIcon, 'Fine-tune a model: open a new notebook', run(ids.start), 'Fine-tune'),
    space: Toolbar.createSpacerItem(),
    attach: button(linkIcon, 'Attach to a run or job…', run(ids.attach)),
    refresh: button(refreshIcon, 'Look for runs now', () => runs.look()),
  };
  for (const [name, item] of Object.entries(items)) panel.toolbar.addItem(name, item);
  void app.started.then(() => { // Notebook 7 has its settings on another page
    if (!app.commands.hasCommand(SETTINGS)) return;
    panel.toolbar.addItem('settings', button(settingsIcon, 'Settings of fine-tuning', run(SETTINGS, { query: 'Fine-tuning' })));
  });

  const list = new RunList(app, runs);
  list.node.append(new Ledger(runs).node);
  panel.content.addWidget(new Seen(list.node, runs));
  return panel;
}

/** Say on the panel's tab how many runs are live. */
function tell(title, live) {
  title.caption = live ? `Fine-Tuning Runs (${live} running)` : 'Fine-Tuning Runs';
  title.className = live ? 'hfft-runs-live' : '';
}

/** What stands in the panel, and knows when it comes into view. */
class Seen {
  constructor(node, runs) {
    const widget = new lab.widgets.Widget({ node });
    widget.onAfterShow = widget.onAfterAttach = () => { runs.seen = widget.isVisible; };
    widget.onAfterHide = widget.onBeforeDetach = () => { runs.seen = false; };
    return widget;
  }
}

/** What was started, refused and paid, folded; read anew once it has grown. */
class Ledger {
  constructor(runs) {
    this._runs = runs;
    this._shown = '';
    this._line = element('span');
    this._rows = element('ul', { 'aria-label': 'Launches and refusals' });
    this.node = element('details', { class: 'hfft-runs-ledger' }, element('summary', {}, caret(), this._line), this._rows);
    this.node.hidden = true;
    runs.changed.connect(() => this._show());
  }

  async _show() {
    const { ledger } = this._runs;
    if (ledger === this._shown) return;
    this._shown = ledger;
    try {
      const { summary, rows } = await server.ledger();
      this.node.hidden = rows.length === 0;
      write(this._line, summary);
      this._rows.replaceChildren(...rows.map(entry));
    } catch (error) {
      this.node.hidden = false;
      write(this._line, error.message);
    }
  }
}

const entry = ({ icon, when, title, words }) => element(
  'li', {},
  element('div', { class: `hfft-runs-entry hfft-is-${icon}` }, outline(icon), element('span', {}, title)),
  element('div', { class: 'hfft-run-about' }, `${when} · ${words}`),
);

class RunList {
  constructor(app, runs) {
    this._app = app;
    this._runs = runs;
    this._rows = new Map();
    this._stopping = new Set(); // asked to end, and not seen ended
    this._note = element('p', { class: 'hfft-runs-note', role: 'status' });
    const begin = (command, words, look = '') => {
      const button = element('button', { type: 'button', class: `jp-mod-styled ${look}` }, words);
      button.addEventListener('click', () => app.commands.execute(command));
      return button;
    };
    this._start = begin(ids.start, 'Fine-tune a model', 'jp-mod-accept');
    this._ways = element('div', { class: 'hfft-runs-ways' }, this._start, begin(ids.openLesson, 'Open a lesson…'), begin(ids.attach, 'Attach to a run or job…'));
    this._sections = { live: section('Running'), ended: section('Earlier') };
    const sections = Object.values(this._sections).map(({ node }) => node);
    this._older = element('p', { class: 'hfft-runs-note' });
    this.node = element('div', { class: 'hfft-runs-list' }, this._note, this._ways, ...sections, this._older);
    this.node.addEventListener('keydown', event => this._move(event));
    runs.changed.connect(() => this._show());
    this._show();
  }

  _show() {
    const { list, older, note, loaded, error } = this._runs;
    write(this._note, trouble(error) || (!loaded ? 'Looking for runs…' : list.length ? '' : 'No runs yet. A run started here or from Python shows up by itself.'));
    this._ways.hidden = !loaded || list.length > 0;
    write(this._older, [note, older ? `${older} older: hfft.runs() lists them.` : ''].filter(Boolean).join(' '));
    const gone = new Set(this._rows.keys());
    for (const run of list) {
      gone.delete(run.id);
      this._row(run.id).update(this._asItStands(run));
    }
    for (const id of gone) this._drop(id);
    place(this._sections.live, list.filter(run => run.live).map(run => this._row(run.id).node));
    place(this._sections.ended, list.filter(run => !run.live).map(run => this._row(run.id).node));
  }

  /** A run that was asked to end goes on for a moment: it finishes its step and saves. One that waits for another names it. */
  _asItStands(run) {
    if (!run.live) this._stopping.delete(run.id);
    const title = id => this._runs.list.find(other => other.id === id)?.title ?? id;
    if (run.waiting) return { ...run, waiting: run.waiting.replace(/local:[\w-]+/, title) };
    return this._stopping.has(run.id) ? { ...run, icon: 'wait', words: 'Stopping…' } : run;
  }

  _row(id) {
    if (!this._rows.has(id)) this._rows.set(id, new Row((action, run) => this._act(action, run)));
    return this._rows.get(id);
  }

  /** Take a row away; who stood on it stands on its neighbour. */
  _drop(id) {
    const { node } = this._rows.get(id);
    const focused = node.contains(document.activeElement);
    const others = this._mains().filter(main => !node.contains(main));
    const at = this._mains().findIndex(main => node.contains(main));
    this._rows.delete(id);
    node.remove();
    if (focused) (others[Math.min(at, others.length - 1)] ?? this._start).focus();
  }

  async _act(action, run) {
    try {
      const done = await this._app.commands.execute(COMMANDS[action], { id: run.id });
      if (action === 'cancel' && done) this._stopping.add(run.id);
    } catch {
      // the command has shown it
    }
    if (action !== 'open') await this._runs.look();
  }

  _mains() {
    return [...this.node.querySelectorAll('details[open] .hfft-run-main')];
  }

  /** Up and down go from run to run. */
  _move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const mains = this._mains();
    const at = mains.findIndex(main => main.parentElement.contains(document.activeElement));
    if (!step || at < 0) return;
    event.preventDefault();
    mains[Math.max(0, Math.min(mains.length - 1, at + step))].focus();
  }
}

function section(title) {
  const count = element('span', { class: 'hfft-runs-count' });
  const list = element('ul', { 'aria-label': title });
  return { list, count, node: element('details', { open: '' }, element('summary', {}, caret(), element('h3', {}, title), count), list) };
}

const caret = () => lab.ui.caretDownIcon.element({ tag: 'span', className: 'hfft-runs-caret', width: '16px', height: '16px' });

/** Put rows into a section in this order, and move only those that stand elsewhere: a moved one loses focus. */
function place({ node, list, count }, rows) {
  rows.forEach((row, at) => {
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
  });
  count.textContent = rows.length;
  node.hidden = rows.length === 0;
}

function trouble(error) {
  if (!error) return '';
  if (error.status === 404) {
    return 'Jupyter’s server does not know of this extension. Restart it; "jupyter server extension list" must show hfft_widgets.lab.';
  }
  return `The runs cannot be read now. ${error.message}`;
}

function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
  node.hidden = !words;
}
