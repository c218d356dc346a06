// What every chart on a page needs: plotly.js, borrowed; the host's colours; a place of the right size.
//
// It stands before live_plot.js and before chart.js, one module with either (surface.py `loader`), and each kernel has
// one of its own. What instances share on a page (plotly.js, who could ask for it) therefore lives in one object on
// globalThis.

const PAGE = Symbol.for("hfft_widgets.live_plot.1");
const page = (globalThis[PAGE] ??= {
  plotly: null, // a promise of plotly.js, once something wants to draw
  source: "", // where it came from: "lab", "window" or "comm"
  stores: new Map(), // the instances alive on this page, by their uid: each can `send` to its kernel
  bundle: null, // the request for the kernel's plotly.js, while there is one
  patience: 8000, // milliseconds until an instance that does not answer it is given up
});

// ---- plotly.js: JupyterLab's own copy, the page's, or the kernel's --------------------------------------------------

const usable = (plotly) => plotly?.newPlot && plotly.react && parseInt(plotly.version, 10) >= 2;

function loadPlotly(only) {
  page.plotly ??= firstUsable(only ? [only] : ["lab", "window", "comm"]).catch((error) => {
    page.plotly = null; // the next chart tries again
    throw error;
  });
  return page.plotly;
}

async function firstUsable(sources) {
  const load = { lab: plotlyOfLab, window: async () => globalThis.Plotly, comm: plotlyOfKernel };
  let reason = "this page has no usable plotly.js";
  for (const source of sources) {
    try {
      const plotly = await load[source]();
      if (usable(plotly)) {
        page.source = source;
        return plotly;
      }
    } catch (error) {
      reason = error.message;
      console.warn(`[hfft_widgets] no plotly.js from ${source}:`, error);
    }
  }
  throw new Error(reason);
}

// plotly's wheel brings JupyterLab a renderer for figures, which Lab loads with every page. It evaluates plotly.js on
// its first figure, so it is given an empty one that is on no page. The export is not documented: a browser test
// asserts that it works, and the kernel's copy is there for the day it does not.
async function plotlyOfLab() {
  const container = globalThis._JUPYTERLAB?.["jupyterlab-plotly"];
  if (!container) return null;
  const { RenderedPlotly, MIME_TYPE } = (await container.get("./mimeExtension"))();
  if (!RenderedPlotly || !MIME_TYPE) return null;
  if (!RenderedPlotly.Plotly) {
    const renderer = new RenderedPlotly({ mimeType: MIME_TYPE });
    const figure = { [MIME_TYPE]: { data: [], layout: {} } };
    await renderer.renderModel({ data: figure, metadata: {}, setData() {} });
    for (let tries = 0; !RenderedPlotly.Plotly && tries < 200; tries++) await sleep(25);
    RenderedPlotly.Plotly?.purge(renderer.node);
    renderer.dispose();
  }
  return RenderedPlotly.Plotly;
}

async function plotlyOfKernel() {
  const gzip = await requestBundle();
  const unpacked = new Blob([gzip]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = await new Response(unpacked).text();
  const hadOne = "Plotly" in globalThis;
  const theirs = globalThis.Plotly;
  // the same door by which anywidget loads this file: it needs no eval and no further permission from the page
  const parts = ["const module = { exports: {} };\n", code, "\nexport default module.exports;"];
  const url = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  try {
    return (await import(url)).default;
  } finally {
    URL.revokeObjectURL(url);
    if (hadOne) globalThis.Plotly = theirs;
    else delete globalThis.Plotly;
  }
}

// One instance asks its kernel for the bundle, for all on the page. If it is closed before the answer, or stays silent
// too long, the next one asks; the answer of any of them will do (a kernel that runs a cell answers when it ends).
function requestBundle() {
  return new Promise((resolve, reject) => {
    page.bundle = { resolve, reject, asked: new Set(), last: null, since: 0 };
    askNext();
  });
}

function askNext() {
  const bundle = page.bundle;
  if (!bundle) return;
  const now = performance.now();
  const waiting = page.stores.has(bundle.last) && now - bundle.since < page.patience;
  const next = [...page.stores.values()].find((store) => !bundle.asked.has(store.uid));
  if (waiting || !next) return;
  bundle.asked.add(next.uid);
  bundle.last = next.uid;
  bundle.since = now;
  next.send({ type: "bundle" });
  setTimeout(askNext, page.patience + 50);
}

function bundleArrived(message, buffers) {
  const bundle = page.bundle;
  if (!bundle) return; // a second answer
  page.bundle = null;
  if (buffers?.length) bundle.resolve(buffers[0]);
  else bundle.reject(new Error(message.error ?? "the kernel sent no plotly.js"));
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// ---- the host's colours ---------------------------------------------------------------------------------------------

// plotly.js cannot take CSS variables: it is given what they are now, and again when they change.
function themeOf(probe) {
  const { color, backgroundColor } = getComputedStyle(probe);
  const rgb = rgbOf(color);
  const ink = (opacity) => `rgba(${rgb},${opacity})`;
  return {
    "font.color": ink(0.9),
    "legend.font.color": ink(0.9),
    "xaxis.gridcolor": ink(0.12),
    "yaxis.gridcolor": ink(0.12),
    "xaxis.linecolor": ink(0.4),
    "yaxis.linecolor": ink(0.4),
    "xaxis.spikecolor": ink(0.4),
    "hoverlabel.bgcolor": backgroundColor,
    "hoverlabel.font.color": ink(1),
    "hoverlabel.bordercolor": ink(0.3),
    "modebar.bgcolor": "rgba(0,0,0,0)",
    "modebar.color": ink(0.5),
    "modebar.activecolor": ink(0.95),
  };
}

// "rgb(1, 2, 3)" or "color(srgb 0.1 0.2 0.3)", which a mix of colours is -> "1,2,3"
function rgbOf(color) {
  const numbers = color.match(/[\d.]+(?:e-?\d+)?/g)?.slice(0, 3).map(Number) ?? [];
  if (color.startsWith("rgb")) return numbers.join();
  return color.startsWith("color(srgb") ? numbers.map((part) => Math.round(255 * part)).join() : "128,128,128";
}

// { "font.color": "red" } -> { font: { color: "red" } }, into what `target` holds already
function assignPaths(target, flat) {
  for (const [path, value] of Object.entries(flat)) {
    const keys = path.split(".");
    const leaf = keys.pop();
    keys.reduce((level, key) => (level[key] ??= {}), target)[leaf] = value;
  }
  return target;
}

// ---- a place for a chart --------------------------------------------------------------------------------------------

const CONFIG = {
  displaylogo: false,
  responsive: false, // a resize observer below does it, also where the window keeps its size
  showTips: false,
  // named, because plotly.js 4 adds "Share chart..." by itself, which sends the data to a cloud
  modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "resetScale2d"]],
};
const FONT = { family: "system-ui,sans-serif", size: 12 };
const SEE_THROUGH = { autosize: true, uirevision: "keep", paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };

// plotly.js reads a small HTML in every text; names come from training scripts
const literal = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

// A box for plotly.js and a line of words; `draw` and `say` are those of each kind.
class Plot {
  constructor(model, el) {
    styled();
    Object.assign(this, { model, el, gone: false });
    this.undo = []; // what dispose() has to take back
    el.classList.add("hfft-live");
    this.box = this.add("div");
    this.note = this.add("p", "hfft-live-note");
    this.probe = this.add("i", "hfft-live-probe");
    this.resize();
  }

  add(tag, className = "") {
    const node = document.createElement(tag);
    node.className = className;
    this.el.append(node);
    return node;
  }

  // A view is made before it is on the page, or in a fold that is closed: no width, no CSS variables yet.
  hasWidth() {
    return new Promise((resolve) => {
      const observer = new ResizeObserver(() => {
        if (!this.gone && !this.box.clientWidth) return;
        observer.disconnect();
        resolve();
      });
      observer.observe(this.box);
      this.undo.push(() => {
        observer.disconnect();
        resolve();
      });
    });
  }

  followHost() {
    this.paint();
    // Lab hides the page while it changes themes, which cancels the transition
    for (const name of ["transitionend", "transitioncancel"]) this.listen(this.probe, name, () => this.paintSoon());
    this.observe(new ResizeObserver(() => this.onResize()));
    this.listen(this.model, "change:height", () => this.resize());
  }

  listen(target, name, callback) {
    const [on, off] = target.addEventListener ? ["addEventListener", "removeEventListener"] : ["on", "off"];
    target[on](name, callback);
    this.undo.push(() => target[off](name, callback));
  }

  observe(observer) {
    observer.observe(this.box);
    this.undo.push(() => observer.disconnect());
  }

  paintSoon() {
    clearTimeout(this.painting);
    this.painting = setTimeout(() => this.paint(), 50);
  }

  paint() {
    const theme = themeOf(this.probe);
    const key = JSON.stringify(theme);
    if (this.gone || key === this.painted) return;
    this.painted = key;
    this.repaint(theme);
  }

  repaint(theme) {
    this.plotly.relayout(this.box, theme);
  }

  resize() {
    this.box.style.height = `${this.model.get("height")}px`;
  }

  onResize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (this.gone || !width) return;
    const size = `${width}x${height}`;
    if (this.size && this.size !== size) this.fit();
    this.size = size;
    this.paint(); // a hidden page has no transitions: the theme may have changed meanwhile
  }

  fit() {
    return this.plotly.Plots.resize(this.box);
  }

  dispose() {
    this.gone = true;
    clearTimeout(this.painting);
    this.undo.forEach((step) => step());
    this.plotly?.purge(this.box);
    this.el.replaceChildren();
  }
}

const STYLE = `
.hfft-live { position: relative; color: var(--jp-content-font-color1,
  var(--colab-primary-text-color, var(--vscode-foreground, inherit))); }
.hfft-live-note { margin: 4px 0 0; min-height: 20px; font: 12px/20px var(--jp-ui-font-family, system-ui, sans-serif);
  color: inherit; opacity: .78; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
/* never seen: tells this script the host's colours, and by its transition that they changed */
.hfft-live-probe { position: absolute; width: 0; height: 0; visibility: hidden; color: inherit;
  background-color: var(--jp-layout-color0,
    var(--colab-primary-surface-color, var(--vscode-editor-background, Canvas)));
  transition: color 1ms, background-color 1ms !important; }
/* a chart alone: its words are its label, and stand on the page only while or where there is no chart */
.hfft-chart { margin-bottom: 8px; }
.hfft-chart .hfft-live-note:empty { display: none; }
.hfft-chart > div:not([hidden], [data-draws]) + .hfft-live-note { position: absolute; inset: 0 auto auto 0; }
.hfft-chart-line { position: absolute; width: 25px; margin-left: -12px; cursor: ew-resize; touch-action: none; }
.hfft-chart-line::before { content: ""; position: absolute; inset: 0 auto 0 12px; border-left: 2px dashed; }
.hfft-chart-line::after { content: ""; position: absolute; left: 8px; bottom: 30%; width: 7px; height: 22px;
  border: 1px solid; border-radius: 4px; background: var(--bg, Canvas); }
.hfft-chart-line span { position: absolute; left: 20px; top: 0; white-space: nowrap; font: 12px/16px var(--jp-ui-font-family,
  system-ui, sans-serif); font-variant-numeric: tabular-nums; user-select: none; }
.hfft-chart-line span.end { left: auto; right: 20px; }
`;

function styled() {
  if (document.getElementById("hfft-live-style")) return;
  document.head.append(Object.assign(document.createElement("style"), { id: "hfft-live-style", textContent: STYLE }));
}
