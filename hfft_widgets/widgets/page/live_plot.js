// The page's side of LivePlot: keeps the points that arrive, draws them as curves. plotly_page.js stands before it.

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
    this.first = new Promise((resolve) => (this.hasPoints = resolve));
    this.askedAt = -Infinity;
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.onMessage);
    page.stores.set(this.uid, this);
    const held = model.get("_hist");
    if (held?.counts) this.take(held, unpack(held.counts, held.data));
    this.send({ type: "sync", seq: this.seq }); // what was sent while this code was loading
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
    if (message.type === "points") arrive(message.of, buffers[0]);
    else if (message.type === "bundle") bundleArrived(message, buffers);
  }

  // A message went missing. Until the answer comes every further one is a gap too: ask once, not each time.
  askForAll() {
    if (performance.now() - this.askedAt < page.patience) return;
    this.askedAt = performance.now();
    this.send({ type: "sync" });
  }

  take({ seq, names, whole }, curves) {
    if (whole ? seq < this.seq : seq <= this.seq) return; // came with the state this page started from
    if (!whole && seq > this.seq + 1) return this.askForAll();
    if (whole) this.curves.clear();
    this.names = names ?? this.names;
    this.names.forEach((name, i) => this.extend(name, curves[i]));
    this.seq = seq;
    this.askedAt = -Infinity;
    if (curves.some(({ x }) => x.length)) this.hasPoints();
    this.views.forEach((view) => view.schedule());
  }

  extend(name, { x, y }) {
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
    const own = this.names.filter((name) => !(name in this.model.get("_beside")));
    const ends = own.map((name) => [name, this.curves.get(name)]).filter(([, curve]) => curve?.x.length);
    if (!ends.length) return "No points yet.";
    const last = Math.max(...ends.map(([, { x }]) => x.at(-1)));
    const values = ends.map(([name, { y }]) => `${name} ${short(y.at(-1))}`);
    return `${this.model.get("x_title") || "step"} ${short(last, 9)}: ${values.join(", ")}.`;
  }
}

// Plots that belong together send their points in one message, by way of one of them.
function arrive(parts, bytes) {
  const curves = unpack(parts.flatMap(([, { counts }]) => counts), bytes);
  for (const [uid, message] of parts) page.stores.get(uid)?.take(message, curves.splice(0, message.counts.length));
}

// The curves of live_plot.py `_pack`: a negative count is of one at the x of the last one with points.
function unpack(counts, bytes) {
  const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  let from = 0;
  const next = (count) => numbers.subarray(from, (from += count));
  let before = next(0);
  return counts.map((count) => {
    if (count > 0) before = next(count);
    return { x: count ? before : next(0), y: next(Math.abs(count)) };
  });
}

function short(value, digits = 4) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : "infinite";
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 1e-3 && size < 10 ** Math.max(4, digits));
  return String(plain ? Number(value.toPrecision(digits)) : value.toExponential(2));
}

// ---- one chart on the page ------------------------------------------------------------------------------------------

const SPIKE = { spikethickness: 1, spikedash: "solid" };
const DASHES = ["dash", "dot", "dashdot", "longdash"]; // of runs beside, as core/run/curves has them
const FEW_POINTS = 30; // up to here points are marked: one evaluation alone would be an invisible line
const CALM_HZ = 0.5; // for people who asked for less motion

class View extends Plot {
  constructor(model, el, store) {
    super(model, el);
    Object.assign(this, { store, drawn: 0, lastDraw: -Infinity, timer: 0, seen: true });
    this.hidden = new Set(model.get("_ui").hidden ?? []);
    this.box.setAttribute("role", "figure"); // no img: it holds buttons
    this.say("Loading the chart…");
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
  }

  async start() {
    try {
      this.plotly = await loadPlotly(this.model.get("_source"));
      this.say();
      await this.store.first; // axes without a point would say something that is not so
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
    const tell = () => this.say(`The chart is not available: ${error.message}. The numbers so far: ${this.store.inWords()}`);
    tell();
    this.store.first.then(() => this.gone || tell()); // the first points may still be on their way
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
    const beside = this.model.get("_beside"); // curves of another run: paler and dashed, in the colour of the own one
    const { names } = this.store;
    const seen = {}; // of each own curve: how many stand beside it so far
    return names.map((name) => {
      const { x, y } = this.store.curves.get(name);
      const other = name in beside;
      const own = other ? beside[name] : name;
      const color = colors[Math.max(0, names.indexOf(own)) % colors.length];
      const held = own.startsWith("eval_"); // on held-out rows: measured now and then, each a point
      return {
        type: "scatter",
        mode: held ? "markers" : x.length <= FEW_POINTS ? "lines+markers" : "lines",
        name: literal(name),
        uid: name,
        meta: name,
        // copies: plotly.js must not see points before they are drawn
        x: x.slice(),
        y: y.slice(),
        opacity: other ? 0.6 : 1,
        line: { width: 1.75, color, simplify: true, dash: other ? DASHES[(seen[own] = (seen[own] ?? -1) + 1) % DASHES.length] : "solid" },
        marker: { size: held ? 9 : 5, color, symbol: `${held ? "diamond" : "circle"}${other ? "-open" : ""}` },
        cliponaxis: !held, // the first evaluation is at step 0: on the axis
        visible: this.hidden.has(name) ? "legendonly" : true,
        ...styles[name],
      };
    });
  }

  firstLayout() {
    const axis = { zeroline: false, showline: true, tickformat: "~g", hoverformat: ".4~g" };
    const layout = {
      ...SEE_THROUGH,
      font: { ...FONT },
      margin: { l: this.model.get("y_title") ? 64 : 52, r: 12, t: 32, b: this.model.get("x_title") ? 42 : 24 },
      hovermode: "x unified",
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      xaxis: { ...axis, title: { text: literal(this.model.get("x_title")) }, rangemode: "tozero", ...SPIKE },
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
    super.followHost();
    this.listen(document, "visibilitychange", () => this.dirty && this.schedule());
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
    this.listen(model, "change:x_title", () => this.relayout({ "xaxis.title.text": literal(model.get("x_title")) }));
    this.listen(model, "change:y_title", () => this.relayout({ "yaxis.title.text": literal(model.get("y_title")) }));
    this.listen(model, "change:y_log", () => {
      const { type, nticks } = this.scale();
      this.relayout({ "yaxis.type": type, "yaxis.nticks": nticks, "yaxis.autorange": true });
    });
  }

  relayout(changes) {
    if (!this.gone) this.plotly.relayout(this.box, changes);
  }

  dispose() {
    clearTimeout(this.timer);
    super.dispose();
  }
}

export function initialize({ model }) {
  const store = new Store(model);
  return () => store.close();
}

export function render({ model, el }) {
  const store = page.stores.get(model.get("_uid"));
  const view = new View(model, el, store);
  view.start();
  return () => view.dispose();
}
