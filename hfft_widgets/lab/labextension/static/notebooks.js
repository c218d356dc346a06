// Notebooks that a command opens: written once, under a name that is free, and run.
import { lab } from './shared.js';
import { server } from './server.js';

const text = JSON.stringify; // a string of JSON is a string of Python

/** The code of a new fine-tuning notebook, with what the settings say. */
export function starterCode(settings) {
  const chosen = [];
  if (settings.get('where') !== 'auto') chosen.push(`where=${text(settings.get('where'))}`);
  if (settings.get('limit') > 0) chosen.push(`max_usd=${settings.get('limit')}`);
  if (settings.get('namespace')) chosen.push(`namespace=${text(settings.get('namespace'))}`);
  return `import hfft_widgets as hfft\n\nhfft.FineTuner(${chosen.join(', ')})`;
}

export const checkCode = file => `import hfft_widgets as hfft\n\nhfft.DatasetValidator(${text(file)})`;

export function monitorCode(id) {
  return `import hfft_widgets as hfft\n\nhfft.TrainingMonitor(${text(id)})`;
}

const STARTER = `# Fine-tune a model

Four steps, one button each: check the data, make a plan, train, export. Type a file or a Hub id into the fields to use
your own data and model; what stands there was made on this machine.`;

/** A new notebook that begins a fine-tuning. */
export const starter = (app, folder, settings) =>
  openNew(app, folder, 'finetune', [['markdown', STARTER], ['code', starterCode(settings)]]);

/** A new notebook beside a data file that checks it. */
export function check(app, path) {
  const { PathExt } = lab.coreutils;
  const file = PathExt.basename(path);
  const name = `check-${file.replace(/\.[^.]*$/, '')}`;
  return openNew(app, PathExt.dirname(path), name, [['code', checkCode(file)]]);
}

/** The notebook that shows a run: the one there is, or a new one. */
export async function monitor(app, folder, id) {
  const name = `run-${id.replace(/^local:/, '').replace(/[^A-Za-z0-9._-]+/g, '-')}`;
  const path = lab.coreutils.PathExt.join(folder, `${name}.ipynb`);
  const there = await app.serviceManager.contents.get(path, { content: false }).then(() => true, () => false);
  return there ? open(app, path) : openNew(app, folder, name, [['code', monitorCode(id)]]);
}

/** The notebook of a lesson in a folder: the one that was opened there before, with what was done in it, or a new one. */
export async function lesson(app, folder, name) {
  const { contents } = app.serviceManager;
  const given = await server.lesson(name);
  const begins = notebook => notebook?.cells?.[0] && [notebook.cells[0].source].flat().join('');
  for (let number = 0; ; number++) {
    const path = lab.coreutils.PathExt.join(folder, numbered(name, number));
    const there = await contents.get(path).catch(() => null);
    if (!there) break;
    if (begins(there.content) === begins(given)) return open(app, path);
  }
  const kernel = await pythonKernel(app);
  const path = await write(contents, folder, name, { ...given, metadata: { ...given.metadata, ...content([], kernel).metadata } });
  return open(app, path, kernel);
}

async function openNew(app, folder, name, cells) {
  const kernel = await pythonKernel(app);
  const path = await write(app.serviceManager.contents, folder, name, content(cells, kernel));
  const widget = await open(app, path, kernel);
  await run(widget);
  return path;
}

async function open(app, path, kernel) {
  const options = { path, factory: 'Notebook', ...(kernel && { kernel: { name: kernel.name } }) };
  return app.commands.execute('docmanager:open', options);
}

/** Run what was just written; Notebook 7 opens another tab, whose reader runs it. */
async function run(widget) {
  if (!widget?.sessionContext || !lab.notebook.NotebookActions) return;
  await widget.context.ready;
  await widget.sessionContext.ready;
  await lab.notebook.NotebookActions.runAll(widget.content, widget.sessionContext);
}

/** Give a notebook the first free name: a rename, unlike a look before it, never overwrites. */
async function write(contents, folder, name, content) {
  const untitled = await contents.newUntitled({ path: folder, type: 'notebook' });
  await contents.save(untitled.path, { type: 'notebook', format: 'json', content });
  for (let number = 0; ; number++) {
    try {
      return (await contents.rename(untitled.path, lab.coreutils.PathExt.join(folder, numbered(name, number)))).path;
    } catch (error) {
      if (error.response?.status !== 409) throw error;
    }
  }
}

const numbered = (name, number) => (number ? `${name}-${number}.ipynb` : `${name}.ipynb`);

function content(cells, kernel) {
  const kernelspec = kernel && { name: kernel.name, display_name: kernel.display_name, language: kernel.language };
  return {
    metadata: kernelspec ? { kernelspec } : {},
    nbformat: 4,
    nbformat_minor: 5,
    cells: cells.map(([cell_type, source], number) => ({
      ...{ cell_type, source, id: `hfft-${number}`, metadata: {} },
      ...(cell_type === 'code' && { execution_count: null, outputs: [] }),
    })),
  };
}

/** The server's default kernel if it speaks Python, else the first that does; undefined: none is known. */
async function pythonKernel(app) {
  const { kernelspecs } = app.serviceManager;
  await kernelspecs.ready;
  const specs = kernelspecs.specs?.kernelspecs ?? {};
  const inOrder = [specs[kernelspecs.specs?.default], ...Object.values(specs)];
  return inOrder.find(spec => spec?.language?.toLowerCase() === 'python');
}
