// The page's side of Chart: one figure in the host's colours, whose points can be clicked, and one line that can be
// dragged. plotly_page.js stands before it.

const STILL = { ...CONFIG, displayModeBar: false, doubleClick: false, scrollZoom: false };
const MARGIN = { l: 72, r: 12, t: 12, b: 42 };
const ROOM = 4; // pixels around a name
const ANSWER = 300; // milliseconds to wait for the kernel's answer before it is told the next place of the line

class ChartView extends Plot {
  constructor(model, el) {
    super(model, el);
    el.classList.add("hfft-chart");
    this.box.setAttribute("role", "img");
    this.describe();
    this.note.textContent = "Loading the chart…";
  }

  async start() {
    try {
      await this.hasWidth(); // in a fold that is closed nothing is loaded
      if (this.gone) return;
      this.plotly = await loadPlotly(this.model.get("_source"));
      if (this.gone) return;
      await this.draw();
      this.note.textContent = "";
      if (!this.gone) this.follow();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error) {
    console.error("[Chart]", error);
    this.box.hidden = true;
    this.note.setAttribute("role", "status");
    this.note.textContent = `The chart is not available: ${error.message}. ${this.model.get("label")}`;
  }

  describe() {
    this.box.setAttribute("aria-label", this.model.get("label"));
  }

  // ---- drawing: one after the other, the newest figure last

  redraw() {
    this.dirty = true;
    this.drawing ??= this.drawAll()
      .catch((error) => this.fail(error))
      .finally(() => (this.drawing = null));
  }

  async drawAll() {
    while (this.dirty && !this.gone) await this.draw();
  }

  async draw() {
    this.dirty = false;
    this.drawn = this.model.get("figure");
    const { data, layout } = structuredClone(this.drawn);
    const traces = this.inColour(data);
    const laid = this.layoutOf(layout);
    const named = traces.filter(({ mode }) => mode?.includes("text"));
    const bare = traces.map((trace) => (named.includes(trace) ? { ...trace, mode: "markers" } : trace));
    await this.plotly.react(this.box, bare, laid, STILL);
    if (named.length && !this.gone) {
      this.arrange(traces, named);
      await this.plotly.react(this.box, traces, laid, STILL);
    }
    if (this.gone) return;
    this.placeLine();
    this.box.dataset.draws = Number(this.box.dataset.draws ?? 0) + 1;
  }

  layoutOf(given) {
    const axis = { zeroline: false, showline: true, fixedrange: true, showspikes: false, automargin: false };
    const margin = { ...MARGIN, ...given.margin };
    const layout = { ...SEE_THROUGH, font: { ...FONT }, dragmode: false, ...given, margin };
    layout.legend = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", itemclick: false, itemdoubleclick: false };
    layout.xaxis = { ...axis, ...given.xaxis, ...this.roomFor(given.xaxis, margin) };
    layout.yaxis = { ...axis, ...given.yaxis };
    for (const { title } of [layout.xaxis, layout.yaxis]) if (title) title.font = { ...FONT };
    layout.hoverlabel = { align: "left", font: { ...FONT } };
    const theme = themeOf(this.probe);
    this.painted = JSON.stringify(theme);
    return assignPaths(layout, theme);
  }

  // Of ticks that were chosen those that have room, so that none is written over another.
  roomFor(axis = {}, margin) {
    const { tickvals, ticktext, range } = axis;
    if (!tickvals || !ticktext || !range) return {};
    const of = axis.type === "log" ? Math.log10 : (value) => value;
    const scale = (this.box.clientWidth - margin.l - margin.r) / (range[1] - range[0]);
    let end = -Infinity;
    const kept = tickvals.map((value, i) => {
      const half = widthOf(ticktext[i]) / 2 + 2 * ROOM;
      const middle = (of(value) - range[0]) * scale;
      if (middle - half < end) return false;
      end = middle + half;
      return true;
    });
    const chosen = (list) => list.filter((_, i) => kept[i]);
    return { tickvals: chosen(tickvals), ticktext: chosen(ticktext), tickangle: 0 };
  }

  // Colours are named as in the stylesheet: "--acc".
  inColour(value, key = "") {
    if (Array.isArray(value)) return value.map((one) => this.inColour(one, key));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.inColour(one, name)]));
    return /color$/.test(key) && String(value).startsWith("--") ? this.colour(value) : value;
  }

  colour(name) {
    this.sample ??= this.add("i", "hfft-live-probe");
    this.sample.style.setProperty("transition", "none", "important");
    // where the system's few colours are asked for, what is told apart by colour keeps its own
    this.sample.style.forcedColorAdjust = /^--(c\d|acc)$/.test(name) ? "none" : "auto";
    this.sample.style.color = `var(${name})`;
    return `rgb(${rgbOf(getComputedStyle(this.sample).color)})`;
  }

  // Names beside their points, where they cover nothing; a name that finds no room is told on hover and in the table.
  arrange(traces, named) {
    const { xaxis, yaxis } = this.box._fullLayout;
    const place = (trace, i) => [xaxis.d2p(trace.x[i]), yaxis.d2p(trace.y[i])];
    const radius = ({ marker }) => (marker?.size ?? 6) / 2;
    const taken = traces.flatMap((trace) => trace.x.map((_, i) => around(place(trace, i), radius(trace))));
    const inside = (box) => box.left >= 0 && box.right <= xaxis._length && box.top >= 0 && box.bottom <= yaxis._length;
    const free = (box) => inside(box) && !taken.some((one) => overlap(box, one));
    for (const trace of [...named].reverse()) {
      const found = trace.text.map((text, i) => {
        const boxes = Object.entries(beside(...place(trace, i), widthOf(text), radius(trace)));
        const [position, box] = boxes.find(([, one]) => free(one)) ?? [];
        if (box) taken.push(box);
        return position;
      });
      trace.text = trace.text.map((text, i) => (found[i] ? text : ""));
      trace.textposition = found.map((position) => position ?? "top center");
    }
  }

  repaint() {
    this.redraw();
  }

  fit() {
    this.redraw(); // names and ticks have another room
    return this.plotly.Plots.resize(this.box);
  }

  // ---- what may change after the first drawing

  follow() {
    this.followHost();
    this.listen(this.model, "change:figure", () => this.redraw());
    this.listen(this.model, "change:label", () => this.describe());
    this.listen(this.model, "change:line", () => this.answered());
    this.box.on("plotly_click", ({ points }) => {
      const [point] = points;
      if (point?.customdata != null) this.model.send({ click: point.customdata });
    });
    const cursor = (kind) => (this.box.querySelector(".nsewdrag").style.cursor = kind);
    this.box.on("plotly_hover", ({ points }) => cursor(points[0]?.customdata != null ? "pointer" : "default"));
    this.box.on("plotly_unhover", () => cursor("default"));
    cursor("default"); // plotly.js shows a hand everywhere
    this.describe();
    if (this.drawn !== this.model.get("figure")) this.redraw(); // another one came while the first was drawn
    else this.placeLine();
  }

  // ---- a line that can be dragged: no part of plotly.js, which would draw all anew at each step

  placeLine(x = this.held ?? this.model.get("line")) {
    if (x === null || x === undefined) return void this.line?.remove();
    this.line ??= this.makeLine();
    if (!this.line.isConnected) this.el.append(this.line);
    const { xaxis, _size: size } = this.box._fullLayout;
    const [low, high] = xaxis.range;
    const at = xaxis._offset + xaxis.l2p(Math.min(high, Math.max(low, x)));
    Object.assign(this.line.style, { left: `${at}px`, top: `${size.t - 24}px`, height: `${size.h + 24}px` });
    const [words] = this.line.children;
    words.textContent = `${this.model.get("line_words")} ${x.toLocaleString("en-US")}`;
    words.classList.toggle("end", at + words.offsetWidth + 16 > this.box.clientWidth);
  }

  makeLine() {
    const line = document.createElement("div");
    line.className = "hfft-chart-line";
    line.setAttribute("aria-hidden", "true"); // the slider beside the chart is for the keyboard
    line.append(document.createElement("span"));
    line.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      line.setPointerCapture(event.pointerId);
      this.held = this.model.get("line");
    });
    line.addEventListener("pointermove", (event) => this.held !== undefined && this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) line.addEventListener(name, () => this.drop());
    return line;
  }

  drag({ clientX }) {
    const { xaxis } = this.box._fullLayout;
    const across = clientX - this.box.getBoundingClientRect().left - xaxis._offset;
    const [low, high] = xaxis.range;
    const x = Math.round(Math.min(high, Math.max(low, xaxis.p2l(across))));
    if (x === this.held) return;
    this.held = x;
    this.placeLine();
    this.tell();
  }

  drop() {
    const x = this.held;
    if (x === undefined) return;
    this.held = undefined;
    clearTimeout(this.waiting);
    this.waiting = null;
    if (x !== this.model.get("line")) this.model.send({ line: x });
  }

  // While it is dragged the kernel is told one place after its answer to the one before.
  tell() {
    if (this.waiting || this.held === undefined || this.held === this.model.get("line")) return;
    this.model.send({ line: this.held });
    this.waiting = setTimeout(() => this.answered(), ANSWER);
  }

  answered() {
    clearTimeout(this.waiting);
    this.waiting = null;
    if (this.held === undefined) this.placeLine();
    else this.tell();
  }

  dispose() {
    clearTimeout(this.waiting);
    super.dispose();
  }
}

const pen = document.createElement("canvas").getContext("2d");
function widthOf(text) {
  pen.font = `${FONT.size}px ${FONT.family}`;
  return pen.measureText(text).width;
}

const around = ([x, y], r) => ({ left: x - r, right: x + r, top: y - r, bottom: y + r });
const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

// Where a name can stand, by what plotly.js calls it: the box each would fill, the best first.
function beside(x, y, width, radius) {
  const height = FONT.size + ROOM, far = radius + ROOM;
  const box = (left, top) => ({ left: left - 2, right: left + width + 2, top, bottom: top + height });
  return {
    "middle right": box(x + far, y - height / 2),
    "middle left": box(x - far - width, y - height / 2),
    "top center": box(x - width / 2, y - far - height),
    "bottom center": box(x - width / 2, y + far),
    "top right": box(x + far, y - far - height),
    "bottom right": box(x + far, y + far),
    "top left": box(x - far - width, y - far - height),
    "bottom left": box(x - far - width, y + far),
  };
}

export function initialize({ model }) {
  const uid = model.get("_uid");
  const onMessage = (message, buffers) => message.type === "bundle" && bundleArrived(message, buffers);
  model.on("msg:custom", onMessage);
  page.stores.set(uid, { uid, send: (message) => model.send(message) });
  askNext();
  return () => {
    model.off("msg:custom", onMessage);
    page.stores.delete(uid);
    askNext();
  };
}

export function render({ model, el }) {
  const view = new ChartView(model, el);
  view.start();
  return () => view.dispose();
}
