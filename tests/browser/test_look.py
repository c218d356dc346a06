"""The design language, measured on computed styles of every component in every state, light, dark and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import gallery
from tests.browser.harness import LabServer, NotebookPage, notebook_page

pytestmark = [pytest.mark.browser, pytest.mark.ci]
LOOKS = {"light": (1280, False), "dark": (1280, True), "narrow": (700, False), "zoomed": (640, False)}  # 1280 at 200 %

# Texts with their size on screen, colour and what is behind them; boxes with their distances.
MEASURE = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const known = new Map();
  const rgba = color => {
    if (!known.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(color, [r, g, b, a / 255]);
    }
    return known.get(color);
  };
  const over = ([r, g, b, a], back) => [r, g, b].map((c, i) => c * a + back[i] * (1 - a));
  const behind = node => {
    const layers = [];
    for (let one = node; one; one = one.parentElement) {
      const color = rgba(getComputedStyle(one).backgroundColor);
      if (color[3]) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reduceRight((back, layer) => over(layer, back), [255, 255, 255]);
  };
  const light = rgb => rgb.map(c => c / 255).map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const name = node => node.nodeName.toLowerCase() + (node.classList.length ? '.' + [...node.classList].join('.') : '');
  const path = node => [node.parentElement.parentElement, node.parentElement, node].map(name).join(' ');
  const unpainted = ['radio', 'checkbox', 'range'];
  const texts = [], boxes = [];
  for (const root of document.querySelectorAll('.hfft-root')) {
    for (const node of root.querySelectorAll('*')) {
      if (!node.checkVisibility({ visibilityProperty: true }) || node.closest('.js-plotly-plot')) continue;
      const style = getComputedStyle(node), rect = node.getBoundingClientRect();
      if (!rect.width || !rect.height) continue;
      const words = [...node.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join(' ').trim();
      const field = node.matches('input, select, textarea') && !unpainted.includes(node.type);
      if (words || field) {
        const svg = node instanceof SVGElement;
        const scale = svg && node.getScreenCTM ? node.getScreenCTM().a : 1;
        const back = behind(svg ? node.closest('svg').parentElement : node);
        const color = over(rgba(svg ? style.fill : style.color), back);
        const off = Boolean(node.closest('[aria-disabled="true"]'));
        texts.push({ at: path(node), words: words.slice(0, 40), size: parseFloat(style.fontSize) * scale, svg, off,
          contrast: contrast(color, back), height: rect.height });
      }
      if (node instanceof SVGElement || style.display === 'inline' || node.closest('table, pre, ul.why, svg')) continue;
      const px = prop => parseFloat(style[prop]) || 0;
      boxes.push({ at: path(node), radius: style.borderRadius, position: style.position,
        x: ['Left', 'Right'].map(side => px('padding' + side) + px(`border${side}Width`)),
        y: px('paddingTop') + px('paddingBottom') + px('borderTopWidth') + px('borderBottomWidth'),
        margins: ['Top', 'Bottom', 'Left', 'Right'].map(side => style['margin' + side]).map(parseFloat),
        gaps: [style.rowGap, style.columnGap].map(gap => parseFloat(gap) || 0),
        control: node.matches('button, select, input[type=text], .chip') ? rect.height : null,
        painted: style.borderStyle !== 'none' || rgba(style.backgroundColor)[3] > 0,
        moves: style.transitionDuration, animates: style.animationName });
    }
  }
  return { texts, boxes };
}"""
EDGES = """() => [...document.querySelectorAll('.hfft-root')].map(root => {
  const seen = selector => [...root.querySelectorAll(selector)].filter(node => node.checkVisibility()).map(node => {
    const { left, right } = node.getBoundingClientRect();
    return [node.className || node.nodeName, Math.round(left * 10) / 10, Math.round(right * 10) / 10];
  });
  const inside = root.querySelector('.inside');
  const inner = ['> *', 'article > *', '.hfft-field.wide > input', '.hfft-fields', '.methods', '.method > .row',
    '.kpis', '.choices', '.choice', 'ul.f', 'svg.hist', '.plot', '.hfft .bar', '.plot-frame', '.curves', '.hfft-live'];
  return {
    outer: seen(':scope > .hfft-steps, :scope > article, :scope > .hfft-bar'),
    inner: inside ? seen(inner.map(one => `.inside ${one}:not(.open *, .pair *)`).join(', ')) : [],
  };
})"""


@pytest.fixture(scope="module")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A server whose home holds runs that ended."""
    folder = tmp_path_factory.mktemp("look")
    with LabServer(folder / "notebooks", env={"HFFT_HOME": str(gallery.home(folder / "home"))}) as server:
        yield server


@pytest.fixture(scope="module")
def shown(browser: Browser, lab: LabServer) -> Iterator[NotebookPage]:
    """The gallery, all of it on one page."""
    with notebook_page(browser, lab, size=(1280, 900)) as notebook:
        notebook.open(lab.write("gallery.ipynb", *gallery.CELLS.values()))
        notebook.run_all(300)
        expect(notebook.page.locator(".hfft-root")).to_have_count(len(gallery.CELLS), timeout=60_000)
        notebook.page.evaluate("() => document.querySelectorAll('.hfft-root details').forEach(e => { e.open = true; })")
        notebook.page.mouse.move(1, 1)
        notebook.page.wait_for_timeout(500)
        yield notebook
        notebook.execute("shown['live'].cancel()")


def put_on(shown: NotebookPage, look: str) -> None:
    width, dark = LOOKS[look]
    shown.page.set_viewport_size({"width": width, "height": 900})
    shown.set_theme(dark=dark)
    shown.page.wait_for_timeout(800)  # curves are drawn anew


@pytest.fixture(scope="module", params=LOOKS)
def look(request: pytest.FixtureRequest, shown: NotebookPage) -> str:
    put_on(shown, request.param)
    if getattr(request.config.option, "every_tier", False):  # pictures take longer than all that is measured
        shown.page.set_viewport_size({"width": LOOKS[request.param][0], "height": 2400})
        for name, root in zip(gallery.CELLS, shown.page.locator(".hfft-root").all(), strict=True):
            shown.screenshot(f"gallery_{request.param}_{name}", root)
        shown.page.set_viewport_size({"width": LOOKS[request.param][0], "height": 900})
    return str(request.param)


@pytest.fixture(scope="module")
def measured(look: str, shown: NotebookPage) -> dict[str, Any]:
    found: dict[str, Any] = shown.page.evaluate(MEASURE)
    assert len(found["texts"]) > 300
    assert len(found["boxes"]) > 300
    return found


def words(found: list[dict[str, Any]], *keys: str) -> list[str]:
    """For the message of a failure: each kind once."""
    return sorted({" | ".join(str(one[key]) for key in ("at", *keys)) for one in found})[:40]


def test_at_most_five_sizes_of_type(measured: dict[str, Any]) -> None:
    sizes = {round(one["size"], 1) for one in measured["texts"] if not one["svg"]}
    assert len(sizes) <= 5, words([one for one in measured["texts"] if one["size"] not in (12, 13, 14, 16, 22)], "size")


def test_no_text_is_smaller_than_11_px(measured: dict[str, Any]) -> None:
    small = [one for one in measured["texts"] if one["size"] < 11]
    assert not small, words(small, "size", "words")


def test_text_has_a_contrast_of_4_5(measured: dict[str, Any]) -> None:
    faint = [one for one in measured["texts"] if one["contrast"] < 4.5 and not one["off"]]
    assert not faint, words(faint, "contrast", "words")


def test_distances_are_on_a_grid_of_4_px(measured: dict[str, Any]) -> None:
    def off(value: float) -> bool:
        return abs(value / 4 - round(value / 4)) > 0.01 and value > 1  # a hairline is no distance

    boxes = measured["boxes"]
    assert not (bad := [one for one in boxes if any(map(off, one["gaps"]))]), words(bad, "gaps")
    free = [one for one in boxes if one["position"] != "absolute" and ".next" not in one["at"]]
    assert not (bad := [one for one in free if any(off(abs(m)) for m in one["margins"][:2])]), words(bad, "margins")
    # of a box with a frame the frame counts to its padding; a cell's hairline does not
    sides = [one for one in boxes if any(off(side) and off(side - 1) for side in one["x"])]
    assert not sides, words(sides, "x")
    controls = [one for one in boxes if one["control"] is not None and off(one["control"])]
    assert not controls, words(controls, "control")


def test_one_radius(measured: dict[str, Any]) -> None:
    radii = {part for one in measured["boxes"] if one["painted"] for part in one["radius"].split()}
    assert radii <= {"0px", "8px", "99px"}, words(
        [b for b in measured["boxes"] if b["radius"] not in ("0px", "8px")], "radius"
    )


def test_a_change_takes_140_ms(measured: dict[str, Any]) -> None:
    slow = [one for one in measured["boxes"] if set(one["moves"].split(", ")) - {"0s", "0.14s"}]
    assert not slow, words(slow, "moves")
    assert not [one for one in measured["boxes"] if one["animates"] != "none"]


def test_controls_cards_and_plots_share_their_edges(look: str, shown: NotebookPage) -> None:
    roots = shown.page.evaluate(EDGES)
    assert any(root["inner"] for root in roots)
    for root in roots:
        for part in ("outer", "inner"):
            for side in (1, 2):
                places = [one[side] for one in root[part]]
                usual = median(places) if places else 0
                assert not (apart := [one for one in root[part] if abs(one[side] - usual) > 1]), (part, usual, apart)


def test_one_primary_action_one_accent_and_few_figures(look: str, shown: NotebookPage) -> None:
    page = shown.page
    primaries = "root => [...root.querySelectorAll('.primary')].filter(e => e.checkVisibility()).length"
    counts = [root.evaluate(primaries) for root in page.locator(".hfft-root").all()]
    assert max(counts) == 1
    color = "e => getComputedStyle(e).backgroundColor"
    accents = {button.evaluate(color) for button in page.locator(".primary:not([aria-disabled=true])").all()}
    assert len(accents) == 1
    assert max(len(kpis.locator(".kpi").all()) for kpis in page.locator(".kpis").all()) <= 4
    assert max(bar.locator("> *").count() for bar in page.locator(".hfft-bar > .figures").all()) <= 4


def test_nothing_is_wider_than_its_page(look: str, shown: NotebookPage) -> None:
    wide = shown.page.evaluate("""() => [...document.querySelectorAll('.hfft-root')].flatMap(root => {
      const right = root.getBoundingClientRect().right;
      const inBox = node => node.closest('pre, textarea, table, .js-plotly-plot, svg');
      return [...root.querySelectorAll('*')].filter(node => !inBox(node) && node.checkVisibility()
        && node.getBoundingClientRect().right > right + 1).map(node => node.className || node.nodeName);
    })""")
    assert not wide, wide[:20]


def test_axe_finds_nothing_serious(look: str, shown: NotebookPage) -> None:
    if find_spec("axe_playwright_python") is None:
        pytest.fail('axe is not installed: pip install "hfft-widgets[test]"')
    import axe_playwright_python

    page = shown.page
    if not page.evaluate("() => Boolean(window.axe)"):
        # a module loader of the host would take it for its own
        code = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
        page.evaluate("code => { new Function('module', 'exports', 'define', code)(); }", code)
    found = page.evaluate("""async () => {
      const { violations } = await window.axe.run({ include: [['.hfft-root']] }, { resultTypes: ['violations'] });
      const where = nodes => nodes.map(node => node.html.slice(0, 160));
      return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: where(nodes) }));
    }""")
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not grave, [(one["id"], one["help"], one["nodes"][:4]) for one in grave]


def test_the_next_action_is_in_view(look: str, shown: NotebookPage) -> None:
    """Of the page's four steps, wherever its open step begins."""
    seen = shown.page.evaluate("""() => [...document.querySelectorAll('.hfft-root')].map(root => {
      const next = root.querySelector('.hfft-bar .next button');
      if (!next) return true;
      (root.querySelector('.hfft-step[aria-current]') ?? root).scrollIntoView({ block: 'start' });
      const { left, right, top, bottom } = next.getBoundingClientRect();
      return next.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
    })""")
    assert all(seen), [name for name, one in zip(gallery.CELLS, seen, strict=True) if not one]


def test_a_step_name_is_never_broken(look: str, shown: NotebookPage) -> None:
    heights = shown.page.evaluate(
        "() => [...document.querySelectorAll('.hfft-step > .head h2')].map(e => e.getBoundingClientRect().height)"
    )
    assert set(heights) == {24}


def test_nothing_moves_for_who_wants_no_motion(shown: NotebookPage) -> None:
    shown.page.emulate_media(reduced_motion="reduce")
    try:
        assert {one["moves"] for one in shown.page.evaluate(MEASURE)["boxes"]} == {"0s"}
    finally:
        shown.page.emulate_media(reduced_motion="no-preference")


def test_high_contrast_keeps_what_is_chosen_and_what_comes_next_apart(shown: NotebookPage) -> None:
    put_on(shown, "light")
    page = shown.page
    page.emulate_media(forced_colors="active", reduced_motion="reduce")  # colours are there at once
    try:
        color = "e => getComputedStyle(e).backgroundColor"

        def of(selector: str) -> str:
            return str(page.locator(selector).first.evaluate(color))

        highlight = page.evaluate(f"""() => {{
          const one = document.body.appendChild(document.createElement('i'));
          one.style.cssText = 'forced-color-adjust: none; background: Highlight';
          const found = ({color})(one);
          one.remove();
          return found;
        }}""")
        assert of(".hfft-bar .primary") == highlight != of(".hfft-actions button:not(.primary)")
        assert of(".hfft-segments input:checked + span") == highlight != of(".hfft-segments input:not(:checked) + span")
        assert of(".hfft-step[aria-current] > .head i") == highlight != of(".hfft-step:not([aria-current]) > .head i")
        assert of(".hfft .meter i") not in (highlight, of(".hfft .meter"))  # a bar is not lost in its track
        shown.screenshot("gallery_forced", page.locator(".hfft-root").first)
    finally:
        page.emulate_media(forced_colors="none", reduced_motion="no-preference")


def test_what_is_written_from_the_right_turns_nothing_around_it(shown: NotebookPage) -> None:
    apart = shown.page.evaluate("""() => {
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
      while (walk.nextNode()) {
        const { data, parentElement: at } = walk.currentNode;
        const hebrew = /[\\u05d0-\\u05ea]/.test(data) && at.closest('.hfft-root');
        if (hebrew) found.push(Boolean(at.closest('bdi, [dir=auto]')));
      }
      return found;
    }""")
    assert apart
    assert all(apart)
