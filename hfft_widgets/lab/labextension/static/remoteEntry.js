// The container that JupyterLab's module federation asks for: `init` once with the packages that the page shares, then
// `get` for each module that package.json names. Written by hand: the browser reads the modules beside it as they are.
(() => {
  'use strict';
  const base = document.currentScript.src.replace(/[^/]*$/, '');
  let scope;

  const modules = {
    './extension': async () => {
      const { plugins } = await import(`${base}index.js`);
      return { __esModule: true, default: await plugins(scope) };
    },
    './style': async () => {
      const link = document.createElement('link');
      Object.assign(link, { rel: 'stylesheet', href: `${base}style.css` });
      document.head.append(link);
      return {};
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['hfft-widgets'] = {
    init: shared => { scope = shared; },
    get: async name => {
      const module = await modules[name]();
      return () => module;
    },
  };
})();
