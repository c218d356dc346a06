// The plugins. Each can be switched off by its id: jupyter labextension disable hfft-widgets:status
import { lab, load } from './shared.js';
import { addCommands, ids } from './commands.js';
import { finetuneIcon } from './icons.js';
import { runsPanel } from './panel.js';
import { Runs } from './runs.js';
import { server } from './server.js';
import { loadSettings } from './settings.js';
import { addStatusItem, tellEnds } from './status.js';

/** The plugins for an application that shares its packages in this scope. */
export async function plugins(scope) {
  await load(scope);
  finetuneIcon(); // registered before the settings page asks for it by name
  const IRuns = new lab.tokens.Token('hfft-widgets:IRuns', 'The runs of hfft_widgets, as this page knows them.');
  return [commands(), panel(IRuns), status(IRuns)];
}

/** A plugin whose optional services come by name; those that this application does not have are null. */
function plugin({ id, description, provides, requires = [], optional = {}, activate }) {
  const tokens = Object.entries(optional).filter(([, token]) => token);
  return {
    ...{ id, description, provides, requires, autoStart: true, optional: tokens.map(([, token]) => token) },
    activate: (app, ...services) => {
      const found = services.slice(requires.length).map((service, at) => [tokens[at][0], service]);
      return activate(app, Object.fromEntries(found), ...services.slice(0, requires.length));
    },
  };
}

const commands = () => plugin({
  id: 'hfft-widgets:plugin',
  description: 'Launcher tiles, commands, and an entry in the menu of data files.',
  optional: {
    launcher: lab.launcher.ILauncher,
    palette: lab.apputils.ICommandPalette,
    browser: lab.filebrowser.IDefaultFileBrowser,
    factory: lab.filebrowser.IFileBrowserFactory,
    manager: lab.docmanager.IDocumentManager,
    registry: lab.settingregistry.ISettingRegistry,
  },
  activate: async (app, { launcher, registry, ...services }) => {
    const settings = await loadSettings(registry);
    let asked;
    const lessons = () => { asked ??= server.lessons().catch(error => { asked = undefined; throw error; }); return asked; };
    addCommands({ app, settings, lessons, ...services, showRuns: () => app.shell.activateById('hfft-runs') });
    // among the notebooks, where the eye is; this category shows pictures, not icons
    launcher?.add({ command: ids.start, category: 'Notebook', rank: 2, kernelIconUrl: new URL('finetune.svg', import.meta.url).href });
    if (launcher) void lessons().then(found => addTiles(launcher, found), () => {}); // a server without our part has none
  },
});

/** A tile for each lesson. */
function addTiles(launcher, lessons) {
  lessons.forEach(({ name, short, title }, rank) => {
    launcher.add({ command: ids.openLesson, args: { lesson: name, short, title }, category: 'Fine-Tuning Lessons', rank });
  });
}

const panel = IRuns => plugin({
  id: 'hfft-widgets:runs',
  description: 'The panel of runs on this machine and on Hugging Face Jobs.',
  provides: IRuns,
  optional: { restorer: lab.application.ILayoutRestorer, registry: lab.settingregistry.ISettingRegistry },
  activate: async (app, { restorer, registry }) => {
    const settings = await loadSettings(registry);
    const runs = new Runs(settings);
    const widget = runsPanel(app, runs);
    app.shell.add(widget, 'left', { rank: 400, type: 'Fine-Tuning' });
    restorer?.add(widget, widget.id);
    return { runs, settings };
  },
});

const status = IRuns => plugin({
  id: 'hfft-widgets:status',
  description: 'The running run in the status bar, and a notification when a run ends.',
  requires: [IRuns],
  optional: { statusBar: lab.statusbar.IStatusBar },
  activate: (app, { statusBar }, { runs, settings }) => {
    if (statusBar) addStatusItem(app, statusBar, runs);
    tellEnds(app, runs, settings);
  },
});
