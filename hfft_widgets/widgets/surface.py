"""One live surface: a panel's newest HTML on every page that shows it, and what a person does there.

The HTML travels in one small widget, as patches; the stylesheet and the page's code travel once to each page, in a
widget that all surfaces share. The panel draws everything, controls too: what a person does comes back as a message.
"""

from __future__ import annotations

import json
import threading
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from typing import Any

import anywidget
import traitlets as T  # noqa: N812 - the usual short name
from ipywidgets import widget_serialization

from hfft_widgets import hosts
from hfft_widgets.cards.parts import stylesheet

# what a widget loads: the shared model's code and style, once a page, whatever the number of widgets
_LOADER = """
const PAGE = Symbol.for("hfft_widgets.shared.1");
async function shared(model) {
  const page = (globalThis[PAGE] ??= {});
  const one = await model.widget_manager.get_model(model.get("shared").slice(10));
  if (!page.style) document.head.append((page.style = document.createElement("style")));
  if (page.css !== one.get("style")) page.style.textContent = page.css = one.get("style");
  const parts = NAMES;
  const code = parts.map((name) => one.get(name)).join("\\n");
  if (page[parts]?.code !== code) {
    page[parts] = { code, module: import(URL.createObjectURL(new Blob([code], { type: "text/javascript" }))) };
  }
  return page[parts].module;
}
export default {
  initialize: async (context) => (await shared(context.model)).initialize?.(context),
  render: async (context) => (await shared(context.model)).render(context),
};
"""
_CODE = ("surface", "plotly_page", "live_plot", "chart")
_PACKED = 4000  # characters of JSON from which on packing costs less than sending
_MOST_PARTS = 4000  # where more than this changed, comparing costs more than sending


class Widget(anywidget.AnyWidget):
    """A widget that any thread may change, on every host."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        hosts.enable_widgets()
        super().__init__(*args, **kwargs)

    def _send(self, msg: Any, buffers: Any = None) -> None:
        hosts.tell(lambda: super(Widget, self)._send(msg, buffers))


class Shared(Widget):
    """What all widgets of a kernel share, the files of the folder `page`; a page gets it once."""

    _esm = "export default {};"
    surface = T.Unicode().tag(sync=True)
    plotly_page = T.Unicode().tag(sync=True)
    live_plot = T.Unicode().tag(sync=True)
    chart = T.Unicode().tag(sync=True)
    style = T.Unicode().tag(sync=True)


@cache
def shared() -> Shared:
    """This kernel's shared model, made at the first widget."""
    here = files("hfft_widgets.widgets") / "page"
    code = {name: (here / f"{name}.js").read_text("utf-8") for name in _CODE}
    return Shared(**code, style=stylesheet())


def loader(*names: str) -> str:
    """The module of a widget whose code is the shared model's traits of these names, one after the other.

    Modules made of text cannot import each other. The widget has a trait `shared` itself.
    """
    return _LOADER.replace("NAMES", json.dumps(names))


class Surface(Widget):
    """The HTML of one panel, live on any number of pages.

    Args:
        act: Called in the kernel's main thread with what a person did: `{"do": name, "value": text or None}` for a
            click, `{"set": field, "value": text or bool}` for a changed field, `{"typed": field, "value": text}`.
        html: What is shown first.
    """

    _esm = loader("surface")
    shared = T.Instance(anywidget.AnyWidget).tag(sync=True, **widget_serialization)
    _uid = T.Unicode().tag(sync=True)
    _asks = T.Int().tag(sync=True)  # milliseconds between the page's questions for news; 0: it hears them anyhow
    _page = T.Dict().tag(sync=True)  # never set, so never pushed: get_state fills it in when a page asks
    _notice = T.Unicode().tag(sync=True)  # what a page that is not looked at says in its title
    _patch = T.Dict().tag(sync=True)  # the last change: a page that has missed one sees that by its number

    def __init__(self, act: Callable[[Mapping[str, Any]], None], html: str = "") -> None:
        # before super().__init__, which asks for the state
        self._lock = threading.RLock()
        self._html = html
        self._revision = 0
        self._act = act
        super().__init__(shared=shared(), _uid=uuid.uuid4().hex, _asks=hosts.ASKS_MS if hosts.on_colab() else 0)
        self.on_msg(self._received)

    @property
    def html(self) -> str:
        """What is shown."""
        return self._html

    def notify(self, words: str) -> None:
        """Say something on pages that nobody looks at just now; those that are looked at show it anyhow."""
        self._notice = words

    def show(self, html: str) -> None:
        """Show other HTML; from any thread. Only what changed is sent."""
        with self._lock:
            if html == self._html:
                return
            changes = list(patch(self._html, html))
            self._html = html
            self._revision += 1
            self._patch = {"revision": self._revision, "changes": packed(changes)}

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The state a page is given when it opens, with the HTML of this moment."""
        state: dict[str, Any] = super().get_state(key=key, drop_defaults=drop_defaults)
        if key is None or key == "_page" or (not isinstance(key, str) and "_page" in key):
            with self._lock:
                state["_page"] = {"revision": self._revision, "html": packed(self._html)}
        return state

    def __repr__(self) -> str:
        return ""

    def _received(self, _widget: object, message: Mapping[str, Any], _buffers: object) -> None:
        if message.get("ask") == "news":
            hosts.deliver()
        elif message.get("ask") == "page":
            with self._lock:
                self.send({"page": {"revision": self._revision, "html": self._html}})
        else:
            self._act(message)


def packed(value: Any) -> Any:
    """The value itself, where it is small; else its JSON in zlib's form, which a page unpacks.

    On Colab the value itself: nothing says how its manager hands a new page the bytes in a state.
    """
    text = json.dumps(value)
    return zlib.compress(text.encode()) if len(text) > _PACKED and not hosts.on_colab() else value


def patch(old: str, new: str) -> Iterator[tuple[int, int, str | None]]:
    """The changes that make one HTML of another: (first part, parts that go, text that comes; None: nothing).

    Parts are what stands between two "<", so that Python and JavaScript count alike; changes apply one after the
    other, each to what the ones before left.

    >>> list(patch("<b>1</b><i>2</i>", "<b>1</b><i>3</i>"))
    [(3, 1, 'i>3')]
    """
    a, b = old.split("<"), new.split("<")
    start = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    room = min(len(a), len(b)) - start
    end = next((n for n in range(room) if a[-1 - n] != b[-1 - n]), room)
    a, b = a[start : len(a) - end], b[start : len(b) - end]
    moved = 0
    for place, gone, came in _changes(a, b):
        yield start + place + moved, gone, "<".join(came) if came else None
        moved += len(came) - gone


def _changes(a: list[str], b: list[str]) -> Iterator[tuple[int, int, list[str]]]:
    if len(a) + len(b) > _MOST_PARTS:
        yield 0, len(a), b
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag != "equal":
            yield i1, i2 - i1, b[j1:j2]
