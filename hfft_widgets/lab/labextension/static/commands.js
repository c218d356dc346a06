// What a person, or an agent, can ask for: each command says what it does and what it takes.
import { lab } from './shared.js';
import { finetuneIcon, lessonIcon } from './icons.js';
import { check, lesson, monitor, starter } from './notebooks.js';
import { server } from './server.js';
import { bytes } from './words.js';

export const ids = {
  start: 'hfft:start',
  openRuns: 'hfft:open-runs',
  attach: 'hfft:attach',
  checkFile: 'hfft:check-file',
  openRun: 'hfft:open-run',
  openLesson: 'hfft:open-lesson',
  startNow: 'hfft:start-run-now',
  resume: 'hfft:resume-run',
  cancel: 'hfft:cancel-run',
  remove: 'hfft:delete-run',
};
const DATA_FILE = /\.(jsonl|ndjson|json|csv|parquet)$/i;

const schema = (properties = {}, required = []) => ({ args: { type: 'object', properties, required } });
const folder = { type: 'string', description: 'Folder for the notebook, relative to the server; the file browser’s if not given' };
const id = { type: 'string', description: 'Id of a run, e.g. "local:20261122-135301-8000a1b2" or "jobs:namespace/job"' };

/** Add the commands. `services`: app, settings, lessons, palette, browser, factory, manager, showRuns. */
export function addCommands(services) {
  const { app, settings, lessons, palette, browser, factory, manager } = services;
  const cwd = args => args.cwd ?? browser?.model.path ?? '';
  const add = (command, options) => app.commands.addCommand(command, { ...options, execute: guarded(options.execute) });

  add(ids.start, {
    label: args => (args.isMenu ? 'Fine-Tuning Notebook' : args.isPalette ? 'New Fine-Tuning Notebook' : 'Fine-tune a model'),
    caption: 'Open a new notebook that leads from a dataset to a trained model: check, plan, train, export',
    icon: args => (args.isPalette ? undefined : finetuneIcon()),
    describedBy: schema({ cwd: folder }),
    execute: args => starter(app, cwd(args), settings),
  });

  add(ids.openRuns, {
    label: 'Open the Panel of Runs',
    caption: 'Show the runs on this machine and on Hugging Face Jobs',
    describedBy: schema(),
    execute: () => services.showRuns(),
  });

  add(ids.attach, {
    label: 'Attach to a Run or Job…',
    caption: 'Open the notebook of a run by its id, wherever it was started from',
    describedBy: schema({ id, cwd: folder }),
    execute: async args => {
      const wanted = args.id ?? (await askForId());
      if (!wanted) return undefined;
      const run = await server.run(wanted.trim());
      return monitor(app, cwd(args), run.id);
    },
  });

  const meant = args => args.id ?? app.contextMenuHitTest(node => Boolean(node.dataset.run))?.dataset.run;
  add(ids.openRun, {
    label: 'Open Run',
    caption: 'Open the notebook that shows a run: its curves, its log, its end',
    describedBy: schema({ id, cwd: folder }, ['id']),
    execute: args => monitor(app, cwd(args), meant(args)),
  });

  add(ids.openLesson, {
    label: args => args.short ?? 'Open a Lesson…',
    caption: args => args.title ?? 'Open a lesson of fine-tuning: a notebook with questions, in this folder; none is overwritten',
    icon: args => (args.isPalette ? undefined : lessonIcon(args.lesson)),
    describedBy: schema({ lesson: { type: 'string', description: 'Name of the lesson, e.g. "1_data"; asked for if not given' }, cwd: folder }),
    execute: async args => {
      const name = args.lesson ?? (await askForLesson(await lessons()));
      return name ? lesson(app, cwd(args), name) : undefined;
    },
  });

  add(ids.startNow, {
    label: 'Start Run Now',
    caption: 'Let a run begin that waits for its turn on this machine: it shares the cores with those that run',
    describedBy: schema({ id }, ['id']),
    execute: args => server.startNow(meant(args)),
  });

  add(ids.resume, {
    label: 'Resume Run',
    caption: 'Let a run of this machine that ended too early go on from its last checkpoint, with the Python it ran in',
    describedBy: schema({ id }, ['id']),
    execute: args => server.resume(meant(args)),
  });

  add(ids.cancel, {
    label: 'Cancel Run…',
    caption: 'Ask, then end a run; a training finishes its step and saves',
    describedBy: schema({ id }, ['id']),
    execute: async args => {
      const run = await server.run(meant(args));
      const yes = await agreed(`Cancel ${run.title}?`, cancelWords(run), 'Cancel the run', 'Let it run');
      if (yes) await server.cancel(run.id);
      return yes;
    },
  });

  add(ids.remove, {
    label: 'Delete Run…',
    caption: 'Ask, then delete what is kept of a run that has ended on this machine',
    describedBy: schema({ id }, ['id']),
    execute: async args => {
      const run = await server.run(meant(args));
      const yes = await agreed(`Delete ${run.title}?`, deleteWords(run), 'Delete', 'Keep it');
      if (yes) await server.remove(run.id);
      return yes;
    },
  });

  const chosen = () => [...(factory?.tracker.currentWidget ?? browser)?.selectedItems() ?? []].filter(item => item.type !== 'directory');
  add(ids.checkFile, {
    label: args => (args.isPalette ? 'Check a Data File…' : 'Check for Fine-Tuning'),
    caption: 'Open a notebook that checks a JSONL, JSON, CSV or Parquet file: can a model be trained on it, and which rows hurt',
    icon: args => (args.isPalette ? undefined : finetuneIcon()),
    describedBy: schema({ path: { type: 'string', description: 'The file, relative to the server; the one chosen in the file browser if not given' } }),
    isVisible: args => Boolean(args.isPalette || args.path) || chosen().some(item => DATA_FILE.test(item.name)),
    execute: async args => {
      const path = args.path ?? (args.isPalette ? await askForFile(manager) : chosen().find(item => DATA_FILE.test(item.name))?.path);
      return path ? check(app, path) : undefined;
    },
  });
  app.contextMenu.addItem({ command: ids.checkFile, selector: '.jp-DirListing-item[data-isdir="false"]', rank: 3 });

  // a row of the panel says what can be done with its run
  [ids.openRun, ids.startNow, ids.resume, ids.cancel, ids.remove].forEach((command, rank) => {
    app.contextMenu.addItem({ command, selector: `.hfft-run[data-can~="${command}"]`, rank });
  });

  for (const command of [ids.start, ids.openLesson, ids.openRuns, ids.attach, ids.checkFile]) {
    palette?.addItem({ command, category: 'Fine-Tuning', args: { isPalette: true } });
  }
}

/** What goes wrong is shown, and still thrown for who called the command. */
function guarded(execute) {
  return async args => {
    try {
      return await execute(args);
    } catch (error) {
      void lab.apputils.showErrorMessage('Fine-tuning', error.message ?? String(error));
      throw error;
    }
  };
}

async function agreed(title, body, yes, no) {
  const { Dialog, showDialog } = lab.apputils;
  const buttons = [Dialog.cancelButton({ label: no }), Dialog.warnButton({ label: yes })];
  return (await showDialog({ title, body, buttons, defaultButton: 0 })).button.accept;
}

const cancelWords = run => (run.host === 'local'
  ? 'It is asked to finish its step, save what it has learned, and end.'
  : 'The job is asked to end. Once it has, it costs nothing more; what it pushed to the Hub stays.');

const deleteWords = run => (run.host === 'local'
  ? `Its script, curves and log go, and the model that it saved here: ${bytes(run.disk_bytes)}. This cannot be undone.`
  : `What is kept of it on this machine goes: ${bytes(run.disk_bytes)}. The job and what it pushed stay on the Hub.`);

async function askForId() {
  const { InputDialog } = lab.apputils;
  const label = 'Id of the run: local:…, or jobs:namespace/job';
  return (await InputDialog.getText({ title: 'Attach to a run', label, okLabel: 'Open' })).value;
}

async function askForLesson(lessons) {
  const { InputDialog } = lab.apputils;
  const items = lessons.map(({ short, title }) => (title.includes(':') ? `${short}: ${title.split(':').slice(1).join(':').trim()}` : short));
  const chosen = await InputDialog.getItem({ title: 'Open a lesson', label: 'Lesson', items, okLabel: 'Open' });
  return chosen.button.accept ? lessons[items.indexOf(chosen.value)]?.name : null;
}

async function askForFile(manager) {
  if (!lab.filebrowser.FileDialog || !manager) return null;
  const filter = item => (item.type === 'directory' || DATA_FILE.test(item.name) ? { score: 1 } : null);
  const chosen = await lab.filebrowser.FileDialog.getOpenFiles({ manager, title: 'Check a data file', filter });
  return chosen.button.accept ? chosen.value?.find(item => item.type !== 'directory')?.path : null;
}
