"""What an update of a chart costs the page: LivePlot's own code, what FigureWidget does, and uPlot, in one Chromium.

uPlot is fetched with npm into a folder of its own, or read from HFFT_UPLOT (its `uPlot.iife.min.js`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

UPLOT = "uplot@1.6.32"

# each side is given the same points; the time is that of the script until the chart is drawn, not of the painting
_MEASURE = """async ([code, held, added, updates, cap, hasUplot]) => {
  const place = () => document.body.appendChild(Object.assign(document.createElement('div'),
    { style: 'width:800px;height:320px' }));
  const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
  const timed = async (update) => {
    const times = [];
    for (let k = 0; k < updates; k++) {
      const start = performance.now();
      await update(k);
      times.push(performance.now() - start);
      await new Promise(requestAnimationFrame);
    }
    return median(times);
  };
  const names = held.map((_, i) => `t${i}`);
  const found = {};

  // LivePlot: the page's own module, told by a model as the kernel would
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const module = await import(url);
  const pack = (curves, from) => new DataView(Float64Array.from(curves.flatMap(
    (ys) => [...ys.map((_, i) => from + i), ...ys])).buffer);
  const state = { _uid: 'bench', _source: 'window', _ui: {}, _styles: {}, _beside: {}, _colors: ['#3b82c4'], title: '',
    summary: '', x_title: 'step', y_title: '', y_log: false, height: 320, max_hz: 0.001, cap,
    _hist: { seq: 0, names, counts: held.map((ys) => ys.length), data: pack(held, 0) } };
  const heard = {};
  const model = { get: (name) => state[name], set() {}, save_changes() {}, send() {}, off() {},
    on: (name, call) => (heard[name] ??= []).push(call) };
  module.initialize({ model });
  module.render({ model, el: place() });
  const store = globalThis[Symbol.for('hfft_widgets.live_plot.1')].stores.get('bench');
  while (!store.views.size) await new Promise((resolve) => setTimeout(resolve, 20));
  const [view] = store.views;
  found.LivePlot = await timed((k) => {
    const new_ = added.map((ys) => ys.slice(k * 5, k * 5 + 5));
    const buffers = [pack(new_, held[0].length + k * 5)];
    const part = { seq: k + 1, names, counts: new_.map((ys) => ys.length) };
    const message = { type: 'points', of: [[state._uid, part]] };
    heard['msg:custom'].forEach((call) => call(message, buffers));
    return view.draw();
  });

  // FigureWidget: x and y of every trace whole, at most `cap` points, as its kernel side thins them here
  const whole = (i, k) => [...held[i], ...added[i].slice(0, (k + 1) * 5)].slice(-cap);
  const figure = place();
  await Plotly.newPlot(figure, names.map((name, i) => ({ type: 'scatter', name, y: whole(i, -1) })));
  found.FigureWidget = await timed((k) => Plotly.update(figure, {
    x: names.map((_, i) => whole(i, k).map((_, at) => at)), y: names.map((_, i) => whole(i, k)) }));

  if (hasUplot) {
    const data = (k) => {
      const curves = names.map((_, i) => [...held[i], ...added[i].slice(0, (k + 1) * 5)]);
      return [curves[0].map((_, at) => at), ...curves];
    };
    const series = [{}, ...names.map((label) => ({ label, stroke: '#3b82c4' }))];
    const chart = new uPlot({ width: 800, height: 320, series, scales: { x: { time: false } } }, data(-1), place());
    found.uPlot = await timed(async (k) => {
      chart.setData(data(k));
      await Promise.resolve();
    });
  }
  return found;
}"""


@cache
def uplot() -> str:
    """The code of uPlot for a page; "" where it is out of reach."""
    if given := os.environ.get("HFFT_UPLOT"):
        return Path(given).read_text("utf-8")
    if shutil.which("npm") is None:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        fetch = ["npm", "pack", "--silent", UPLOT]
        try:
            subprocess.run(fetch, cwd=folder, check=True, capture_output=True, timeout=60)
        except (subprocess.SubprocessError, OSError):
            return ""
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as packed:
            code = packed.extractfile("package/dist/uPlot.iife.min.js")
            return code.read().decode() if code else ""


def measure(held: list[list[float]], added: list[list[float]], updates: int, cap: int) -> dict[str, float]:
    """Name of a chart -> median milliseconds of script per update in the page; {} where there is no Chromium.

    Args:
        held: Points of each curve to start with.
        added: Those that come, five an update.
        updates: How many updates.
        cap: About how many points a curve keeps, where it keeps only some.
    """
    import plotly

    from tests.browser.harness import chromium, find_chromium

    if find_chromium() is None:
        return {}
    folder = files("hfft_widgets.widgets") / "page"
    code = "\n".join((folder / name).read_text("utf-8") for name in ("plotly_page.js", "live_plot.js"))
    with chromium() as browser:
        page = browser.new_page()
        page.add_script_tag(path=Path(plotly.__file__).parent / "package_data" / "plotly.min.js")
        if uplot():
            page.add_script_tag(content=uplot())
        found: dict[str, Any] = page.evaluate(_MEASURE, [code, held, added, updates, cap, bool(uplot())])
    return found
