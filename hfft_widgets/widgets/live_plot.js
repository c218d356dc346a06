// The page's side of LivePlot: keeps the points that arrive, draws them with a plotly.js it borrows.
//
// anywidget loads this file once per instance, as a module of its own. What instances share on a page (plotly.js, the
// points) therefore lives in one object on globalThis.

const PAGE = Symbol.for("hfft_widgets.live_plot.1");
const page = (globalThis[PAGE] ??= {
  plotly: null, // a promise of plotly.js, once something wants to draw
  source: "", // where it came from: "lab", "window" or "comm"
  stores: new Map(), // the instances alive on this page, by their uid
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
      console.warn(`[LivePlot] no plotly.js from ${source}:`, error);
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

// ---- points: one store per instance, shared by its views ------------------------------------------------------------

// The same choice as hfft_widgets.core.run.thinning.thin makes; a test compares the two.
export function thin(x, y, cap) {
  const count = x.length;
  if (count <= cap) return x.map((_, i) => i);
  const lastBucket = Math.max(1, Math.floor((cap - 2) / 2)) - 1;
  const bucketsPerX = (lastBucket + 1) / (x[count - 1] - x[0] || 1);
  const lows = new Map();
  const highs = new Map();
  const gaps = new Map();
  for (let i = 0; i < count; i++) {
    const bucket = Math.min(lastBucket, Math.floor((x[i] - x[0]) * bucketsPerX));
    if (!Number.isFinite(y[i])) {
      if (!gaps.has(bucket)) gaps.set(bucket, i);
      continue;
    }
    if (!lows.has(bucket) || y[i] < y[lows.get(bucket)]) lows.set(bucket, i);
    if (!highs.has(bucket) || y[i] > y[highs.get(bucket)]) highs.set(bucket, i);
  }
  const kept = new Set([0, count - 1, ...lows.values(), ...highs.values(), ...gaps.values()]);
  return [...kept].sort((a, b) => a - b);
}

class Store {
  constructor(model) {
    this.model = model;
    this.uid = model.get("_uid");
    this.seq = -1; // number of the newest message whose points are here
    this.names = [];
    this.curves = new Map(); // name -> { x, y }
    this.views = new Set();
    this.askedAt = -Infinity;
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.onMessage);
    page.stores.set(this.uid, this);
    const held = model.get("_hist");
    if (held?.counts) this.takeAll(held, held.data);
    else this.askForAll();
    askNext();
  }

  close() {
    this.model.off("msg:custom", this.onMessage);
    page.stores.delete(this.uid);
    askNext();
  }

  send(message) {
    this.model.send(message);
  }

  receive(message, buffers) {
    if (message.type === "bundle") bundleArrived(message, buffers);
    else if (message.type === "full") this.takeAll(message, buffers[0]);
    else if (message.type === "add") this.takeNew(message, buffers[0]);
  }

  takeAll(message, bytes) {
    if (message.seq < this.seq) return;
    this.curves.clear();
    this.take(message, bytes);
  }

  takeNew(message, bytes) {
    if (message.seq <= this.seq) return; // came with the state this page started from
    if (message.seq > this.seq + 1) this.askForAll();
    else this.take(message, bytes);
  }

  // A message went missing. Until the answer comes every further one is a gap too: ask once, not each time.
  askForAll() {
    if (performance.now() - this.askedAt < page.patience) return;
    this.askedAt = performance.now();
    this.send({ type: "sync" });
  }

  take(message, bytes) {
    if (message.names) this.names = message.names;
    const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    let from = 0;
    this.names.forEach((name, i) => {
      const count = message.counts[i] ?? 0;
      this.extend(name, numbers.subarray(from, from + count), numbers.subarray(from + count, from + 2 * count));
      from += 2 * count;
    });
    this.seq = message.seq;
    this.askedAt = -Infinity;
    this.views.forEach((view) => view.schedule());
  }

  extend(name, x, y) {
    const curve = this.curves.get(name) ?? { x: [], y: [] };
    this.curves.set(name, curve);
    for (let i = 0; i < x.length; i++) {
      curve.x.push(x[i]);
      curve.y.push(y[i]);
    }
    const cap = this.model.get("cap");
    if (curve.x.length > 2 * cap) {
      const kept = thin(curve.x, curve.y, cap);
      this.curves.set(name, { x: kept.map((i) => curve.x[i]), y: kept.map((i) => curve.y[i]) });
    }
  }

  // "step 340: loss 1.23, eval_loss 1.4."
  inWords() {
    const ends = this.names.map((name) => [name, this.curves.get(name)]).filter(([, curve]) => curve?.x.length);
    if (!ends.length) return "No points yet.";
    const last = Math.max(...ends.map(([, { x }]) => x.at(-1)));
    const values = ends.map(([name, { y }]) => `${name} ${short(y.at(-1))}`);
    return `${this.model.get("x_title")} ${short(last, 9)}: ${values.join(", ")}.`;
  }
}

function short(value, digits = 4) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : "infinite";
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 1e-3 && size < 10 ** Math.max(4, digits));
  return String(plain ? Number(value.toPrecision(digits)) : value.toExponential(2));
}

// ---- the host's colours ---------------------------------------------------------------------------------------------

// plotly.js cannot take CSS variables: it is given what they are now, and again when they change.
function themeOf(probe) {
  const { color, backgroundColor } = getComputedStyle(probe);
  const rgb = color.startsWith("rgb") ? color.match(/[\d.]+/g).slice(0, 3).join() : "128,128,128";
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

// { "font.color": "red" } -> { font: { color: "red" } }, into what `target` holds already
function assignPaths(target, flat) {
  for (const [path, value] of Object.entries(flat)) {
    const keys = path.split(".");
    const leaf = keys.pop();
    keys.reduce((level, key) => (level[key] ??= {}), target)[leaf] = value;
  }
  return target;
}

// ---- one chart on the page ------------------------------------------------------------------------------------------

const CONFIG = {
  displaylogo: false,
  responsive: false, // a resize observer below does it, also where the window keeps its size
  showTips: false,
  // named, because plotly.js 4 adds "Share chart..." by itself, which sends the data to a cloud
  modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "resetScale2d"]],
};
const FEW_POINTS = 30; // up to here points are marked: one evaluation alone would be an invisible line
const CALM_HZ = 0.5; // for people who asked for less motion

// plotly.js reads a small HTML in every text; names come from training scripts
const literal = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

class View {
  constructor(model, el, store) {
    Object.assign(this, { model, el, store, drawn: 0, lastDraw: -Infinity, timer: 0, seen: true, gone: false });
    this.hidden = new Set(model.get("_ui").hidden ?? []);
    this.undo = []; // what dispose() has to take back
    el.classList.add("hfft-live");
    this.box = this.add("div");
    this.box.setAttribute("role", "img");
    this.note = this.add("p", "hfft-live-note");
    this.probe = this.add("i", "hfft-live-probe");
    this.resize();
    this.say("Loading the chart…");
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
  }

  add(tag, className = "") {
    const node = document.createElement(tag);
    node.className = className;
    this.el.append(node);
    return node;
  }

  async start() {
    try {
      this.plotly = await loadPlotly(this.model.get("_source"));
      await this.hasWidth();
      if (this.gone) return;
      await this.draw();
      if (!this.gone) this.follow();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error) {
    console.error("[LivePlot]", error);
    this.note.setAttribute("role", "alert");
    this.say(`The chart is not available: ${error.message}. The numbers so far: ${this.store.inWords()}`);
  }

  // A view is made before it is on the page: no width, no CSS variables yet.
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

  // ---- drawing

  schedule() {
    this.dirty = true;
    if (this.timer || !this.seen || document.hidden || !this.drawn) return;
    const hz = Math.min(this.model.get("max_hz"), this.calm.matches ? CALM_HZ : 60);
    const wait = Math.max(this.dragging() ? 150 : 0, this.lastDraw + 1000 / hz - performance.now());
    this.timer = setTimeout(() => requestAnimationFrame(() => this.onTimer()), wait);
  }

  onTimer() {
    this.timer = 0;
    if (this.gone || !this.dirty) return;
    if (this.dragging()) this.schedule();
    else this.draw().catch((error) => this.fail(error));
  }

  // Redrawing under a zoom rectangle would throw it away.
  dragging() {
    return Boolean(this.box._dragging);
  }

  async draw() {
    this.dirty = false;
    this.lastDraw = performance.now();
    this.drawnSeq = this.store.seq;
    const layout = this.box.layout ?? this.firstLayout();
    layout.showlegend = this.store.names.length > 1;
    // with the layout object that holds the reader's zoom, react() changes the curves alone
    await this.plotly.react(this.box, this.traces(), layout, CONFIG);
    this.drawn += 1;
    this.box.dataset.draws = this.drawn;
    this.say();
  }

  traces() {
    const styles = this.model.get("_styles");
    const colors = this.model.get("_colors");
    return this.store.names.map((name, i) => {
      const { x, y } = this.store.curves.get(name);
      const color = colors[i % colors.length];
      return {
        type: "scatter",
        mode: x.length <= FEW_POINTS ? "lines+markers" : "lines",
        name: literal(name),
        uid: name,
        meta: name,
        // copies: plotly.js must not see points before they are drawn
        x: x.slice(),
        y: y.slice(),
        line: { width: 1.75, color, simplify: true },
        marker: { size: 5, color },
        visible: this.hidden.has(name) ? "legendonly" : true,
        ...styles[name],
      };
    });
  }

  firstLayout() {
    const axis = { zeroline: false, showline: true, tickformat: "~g", hoverformat: ".4~g" };
    const layout = {
      autosize: true,
      uirevision: "keep",
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui,sans-serif", size: 12 },
      margin: { l: 60, r: 12, t: 32, b: 42 },
      hovermode: "x unified",
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      xaxis: { ...axis, title: { text: literal(this.model.get("x_title")) }, spikethickness: 1, spikedash: "solid" },
      yaxis: { ...axis, title: { text: literal(this.model.get("y_title")) }, ...this.scale() },
    };
    return this.restoreZoom(assignPaths(layout, themeOf(this.probe)));
  }

  // few ticks on a logarithmic axis: 1, 2, 5, 10, where more would be written over each other
  scale() {
    return this.model.get("y_log") ? { type: "log", nticks: 3 } : { type: "linear", nticks: 7 };
  }

  say(text = this.model.get("summary") || this.store.inWords()) {
    const label = `${this.model.get("title") || "Live chart"}. ${text}`;
    if (label === this.box.getAttribute("aria-label")) return;
    this.note.textContent = text;
    this.box.setAttribute("aria-label", label);
  }

  // ---- zoom and hidden curves, kept by the kernel for a page that is reloaded

  restoreZoom(layout) {
    for (const [name, axis] of Object.entries({ xaxis: layout.xaxis, yaxis: layout.yaxis })) {
      const kept = this.model.get("_ui")[name];
      // a range on a logarithmic axis is in powers of ten
      if (kept && kept.type === (axis.type ?? "linear")) Object.assign(axis, { range: kept.range, autorange: false });
    }
    return layout;
  }

  saveUi() {
    this.hidden = new Set(this.box.data.filter((trace) => trace.visible === "legendonly").map((trace) => trace.meta));
    const ui = { hidden: [...this.hidden] };
    for (const name of ["xaxis", "yaxis"]) {
      const { autorange, range, type } = this.box.layout[name];
      if (autorange === false) ui[name] = { type: type ?? "linear", range: [...range] };
    }
    this.model.set("_ui", ui);
    this.model.save_changes();
  }

  // ---- what may change after the first drawing

  follow() {
    this.store.views.add(this);
    this.undo.push(() => this.store.views.delete(this));
    this.followReader();
    this.followHost();
    this.followTraits();
    if (this.drawnSeq !== this.store.seq) this.schedule(); // points came while the first drawing was made
  }

  followReader() {
    this.box.on("plotly_restyle", () => this.saveUi());
    this.box.on("plotly_relayout", (changes) => {
      // not our own: those change colours, titles or the scale
      const zoomed = Object.keys(changes).some((key) => /axis\.(range|autorange)/.test(key));
      if (zoomed && !("yaxis.type" in changes)) this.saveUi();
    });
  }

  followHost() {
    this.paint();
    // Lab hides the page while it changes themes, which cancels the transition
    for (const name of ["transitionend", "transitioncancel"]) this.listen(this.probe, name, () => this.paintSoon());
    this.listen(document, "visibilitychange", () => this.dirty && this.schedule());
    this.observe(new ResizeObserver(() => this.onResize()));
    this.observe(
      new IntersectionObserver((entries) => {
        this.seen = entries.at(-1).isIntersecting;
        if (this.seen && this.dirty) this.schedule();
      }),
    );
  }

  followTraits() {
    const { model } = this;
    this.listen(model, "change:summary", () => this.say());
    this.listen(model, "change:title", () => this.say());
    this.listen(model, "change:max_hz", () => this.schedule());
    this.listen(model, "change:height", () => this.resize());
    this.listen(model, "change:x_title", () => this.relayout({ "xaxis.title.text": literal(model.get("x_title")) }));
    this.listen(model, "change:y_title", () => this.relayout({ "yaxis.title.text": literal(model.get("y_title")) }));
    this.listen(model, "change:y_log", () => {
      const { type, nticks } = this.scale();
      this.relayout({ "yaxis.type": type, "yaxis.nticks": nticks, "yaxis.autorange": true });
    });
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

  relayout(changes) {
    if (!this.gone) this.plotly.relayout(this.box, changes);
  }

  paintSoon() {
    clearTimeout(this.painting);
    this.painting = setTimeout(() => this.paint(), 50);
  }

  paint() {
    const theme = themeOf(this.probe);
    const key = JSON.stringify(theme);
    if (key === this.painted) return;
    this.painted = key;
    this.relayout(theme);
  }

  resize() {
    this.box.style.height = `${this.model.get("height")}px`;
  }

  onResize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (this.gone || !width) return;
    const size = `${width}x${height}`;
    if (this.size && this.size !== size) this.plotly.Plots.resize(this.box);
    this.size = size;
    this.paint(); // a hidden page has no transitions: the theme may have changed meanwhile
  }

  dispose() {
    this.gone = true;
    clearTimeout(this.timer);
    clearTimeout(this.painting);
    this.undo.forEach((step) => step());
    this.plotly?.purge(this.box);
    this.el.replaceChildren();
  }
}

export default {
  initialize({ model }) {
    const store = new Store(model);
    return () => store.close();
  },
  render({ model, el }) {
    const store = page.stores.get(model.get("_uid"));
    const view = new View(model, el, store);
    view.start();
    return () => view.dispose();
  },
};
