"""What all panels share: a card that outlives the kernel, a status line, background work that hides no error."""

from __future__ import annotations

import functools
import itertools
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import ipywidgets as W  # noqa: N812 - the usual short name
import traitlets as T  # noqa: N812

from hfft_widgets.core.html import el, fold, icon, join, style
from hfft_widgets.errors import HfftError

Method = TypeVar("Method", bound=Callable[..., Any])


class CancelledError(HfftError):
    """A person stopped what was going on."""


class Card:
    """HTML with two lives: a widget's child where the panel is embedded, plain output where it is displayed.

    Plain output stays in a saved notebook; a widget needs its kernel. (A text/html twin inside the widget's own output
    is not enough: a trusted notebook with a new kernel prefers the widget, and shows nothing.)
    """

    _ids = itertools.count()

    def __init__(self) -> None:
        self.slot = W.HTML()
        self.slot.layout.display = "none"
        self.html = ""
        self._handle: Any = None

    def show(self, html: str) -> None:
        """Replace the content; from any thread."""
        self.html = html
        if self._handle is None:
            self.slot.value = html
            self.slot.layout.display = "" if html else "none"
        else:
            self._handle.update(_Html(html))

    def display(self) -> None:
        """Show the card as plain output of the running cell."""
        from IPython.display import display

        self.slot.layout.display = "none"
        self.slot.value = ""
        self._handle = display(_Html(self.html), display_id=True)


def folded(title: str, content: W.Widget) -> W.Accordion:
    """Controls that open on click."""
    made = W.Accordion([content], titles=(title,), layout=W.Layout(max_width="862px"))
    made.add_class("hfft-fold")
    return made


class _Html:
    """What IPython shows as text/html and nothing else."""

    def __init__(self, html: str) -> None:
        self._html = html

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return ""


def shown(method: Method) -> Method:
    """A public method whose errors are shown in the panel, stored in `error`, and raised."""

    @functools.wraps(method)
    def guarded(self: Panel, *args: Any, **kwargs: Any) -> Any:
        with self._guarding():
            return method(self, *args, **kwargs)

    return guarded  # type: ignore[return-value]


class Panel(W.VBox):
    """A shell around the core: controls above, a card, controls below, a status line.

    Attributes:
        result: The panel's whole output, a frozen value, or None.
        error: The last error, or None.
        busy: Whether something is going on.
    """

    result = T.Any(None, allow_none=True)
    error = T.Any(None, allow_none=True)
    busy = T.Bool(False)

    def __init__(self) -> None:
        self._vars = W.HTML(style())
        self._vars.layout.display = "none"
        self.top = W.VBox()
        self.bottom = W.VBox()
        self.card = Card()
        self.status = W.HTML()
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._nesting = threading.local()
        self._buttons: list[W.Button] = []
        self._thread: threading.Thread | None = None
        super().__init__()
        self.children = tuple(part.slot if isinstance(part, Card) else part for part in self.parts())

    # ---- what a panel is made of --------------------------------------------------------------

    def parts(self) -> Sequence[W.Widget | Card]:
        """The pieces from top to bottom."""
        return [self._vars, self.top, self.status, self.card, self.bottom]

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for part in self.parts():
            if isinstance(part, Card):
                part.display()
            else:
                display(part)
        self.opened()

    def opened(self) -> None:
        """Called once the panel is on the page: what only a person who looks needs is made here."""

    def button(
        self,
        label: str,
        method: Callable[[], Any],
        *,
        doing: str = "",
        primary: bool = False,
        icon: str = "",
        tooltip: str = "",
    ) -> W.Button:
        """A button that runs a public method in the background."""
        made = W.Button(
            description=label,
            icon=icon,
            tooltip=tooltip,
            button_style="primary" if primary else "",
            layout=W.Layout(width="auto", height="32px"),
        )
        made.on_click(lambda _: self.start(method, doing=doing or label))
        self._buttons.append(made)
        return made

    # ---- doing things -------------------------------------------------------------------------

    def start(self, method: Callable[[], Any], *, doing: str) -> threading.Thread | None:
        """Run a method in a daemon thread; while one runs, further starts (a second click) change nothing."""
        with self._starting:
            if self.busy:
                return None
            self.busy = True
        self._stop.clear()
        self._enable(False)
        self.say("run", f"{doing} …")
        self._thread = threading.Thread(target=self._background, args=(method,), name="hfft-panel", daemon=True)
        self._thread.start()
        return self._thread

    def _background(self, method: Callable[[], Any]) -> None:
        try:
            with self._guarding():
                method()
        except Exception:  # noqa: BLE001, S110 - shown and stored by the guard; a thread has nobody to raise to
            pass
        finally:
            self.busy = False
            self._enable(True)

    @contextmanager
    def _guarding(self) -> Iterator[None]:
        outermost = not getattr(self._nesting, "inside", False)
        self._nesting.inside = True
        try:
            if outermost:
                self.error = None
            yield
        except Exception as error:
            if outermost:
                self.show_error(error)
            raise
        finally:
            self._nesting.inside = not outermost

    def stop(self) -> None:
        """Ask the work going on to stop at its next step."""
        self._stop.set()

    def progress(self, done: int, total: int) -> None:
        """Show how far a long job is; raises CancelledError where a stop was asked for."""
        if self._stop.is_set():
            raise CancelledError("Stopped.", remedy="Nothing was changed.")
        self.say("run", f"{done:,} of {total:,} rows" if total else f"{done:,} rows")

    def _enable(self, on: bool) -> None:
        for made in self._buttons:
            made.disabled = not on

    # ---- telling ------------------------------------------------------------------------------

    def say(self, kind: str, words: str) -> None:
        """One line of status; `kind` is an icon of `core.html`."""
        self.status.value = el(
            "div", icon(kind), words, class_="hfft-line hfft-vars", role="status", aria_live="polite"
        )

    def clear_status(self) -> None:
        """No status."""
        self.status.value = ""

    def show_error(self, error: Exception) -> None:
        """Show an error where the person looks, with what to do next; the traceback is folded away."""
        self.error = error
        if isinstance(error, CancelledError):
            self.say("info", str(error))
            return
        if isinstance(error, HfftError):
            words, details = [el("b", error.what), " ", error.why, " ", error.remedy], None
        else:
            words = [el("b", f"{type(error).__name__}: "), str(error)]
            details = fold("Details", el("pre", "".join(traceback.format_exception(error)[-12:])))
        self.status.value = el("div", icon("bad"), join(words), details, class_="hfft-line hfft-vars", role="alert")
