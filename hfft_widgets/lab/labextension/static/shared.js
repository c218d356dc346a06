// The packages of the page that the extension uses, as the application has loaded them.

const NAMES = {
  application: '@jupyterlab/application',
  apputils: '@jupyterlab/apputils',
  coreutils: '@jupyterlab/coreutils',
  docmanager: '@jupyterlab/docmanager',
  filebrowser: '@jupyterlab/filebrowser',
  launcher: '@jupyterlab/launcher',
  notebook: '@jupyterlab/notebook',
  polling: '@lumino/polling',
  services: '@jupyterlab/services',
  settingregistry: '@jupyterlab/settingregistry',
  signaling: '@lumino/signaling',
  statusbar: '@jupyterlab/statusbar',
  tokens: '@lumino/coreutils',
  ui: '@jupyterlab/ui-components',
  widgets: '@lumino/widgets',
};

/** Each package by its short name above; one that this application does not share is an empty object. */
export const lab = {};

/** Fill `lab` from the share scope: {package: {version: {loaded, get}}}. */
export async function load(scope) {
  await Promise.all(Object.entries(NAMES).map(async ([name, packageName]) => {
    const versions = Object.values(scope?.[packageName] ?? {});
    const one = versions.find(version => version.loaded) ?? versions[0];
    lab[name] = one ? (await one.get())() : {};
  }));
}
