"""What all panels share: values that become HTML, work that hides no error, a copy for the saved file.

A panel is plain values and one function that draws them. What a person does on any page runs a public method by name;
the method changes values, and the panel is drawn again: the surface sends what differs.
"""

from __future__ import annotations

import functools
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import traitlets as T  # noqa: N812 - the usual short name

from hfft_widgets import hosts
from hfft_widgets.cards.parts import fold, icon, style
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.errors import HfftError
from hfft_widgets.widgets.form import Form
from hfft_widgets.widgets.sign_in import SignInPart
from hfft_widgets.widgets.surface import Surface

Method = TypeVar("Method", bound=Callable[..., Any])
SAVE_SECONDS = 60.0  # between two copies for the saved file, while nothing but figures changes


class CancelledError(HfftError):
    """A person stopped what was going on."""


@dataclass(frozen=True)
class Action:
    """What a click runs.

    Attributes:
        method: The public method; it gets the button's value where there is one.
        doing: What is said while it runs in the background; "": it is quick, and runs at once.
        always: Whether it may run while something else is going on.
    """

    method: Callable[..., Any]
    doing: str = ""
    always: bool = False


def report_errors(method: Method) -> Method:
    """A public method whose errors are shown in the panel, stored in `error`, and raised."""

    @functools.wraps(method)
    def guarded(self: Panel, *args: Any, **kwargs: Any) -> Any:
        with self._guarding():
            return method(self, *args, **kwargs)

    return guarded  # type: ignore[return-value]


class Panel(T.HasTraits):
    """A panel: fields and cards above, the next actions below.

    Attributes:
        result: The panel's whole output, a frozen value, or None.
        error: The last error, or None.
        busy: Whether something is going on.
        values: What stands in the fields, by name.
        errors: What is wrong with a field, by name.
    """

    result = T.Any(None, allow_none=True)
    error = T.Any(None, allow_none=True)
    busy = T.Bool(False)
    title = ""
    can_stop = True  # whether what runs in the background looks for a stop: it does where it tells its progress

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self.errors: dict[str, str] = {}
        self._actions: dict[str, Action] = {"stop": Action(self.stop, always=True)}
        self._fields: dict[str, Callable[[Any], Any]] = {}
        self._suggesters: dict[str, Callable[[str], Any]] = {}
        self._prefix = f"p{uuid.uuid4().hex[:6]}."
        self.signing_in = SignInPart(self)
        self._host: Panel | None = None
        self._surface: Surface | None = None
        self._saved = _SavedCopy()
        self._status: tuple[str, Markup] | None = None
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._drawing = threading.RLock()  # what was drawn last is what is so: no older drawing comes after it
        self._nesting = threading.local()
        self._thread: threading.Thread | None = None

    # ---- what a panel is made of --------------------------------------------------------------

    def body(self) -> Markup:
        """All of it, from top to bottom."""
        raise NotImplementedError

    def summary(self) -> str:
        """The panel in one line, once its step is done; "" before."""
        return ""

    def figures(self) -> list[Markup]:
        """What the bar at the foot always shows: estimate, price, fit."""
        return []

    def next_action(self) -> Markup | None:
        """The one next thing to do, as a primary button in the bar."""
        return None

    def report(self) -> Markup:
        """What stays in a saved notebook: cards, without controls."""
        return Markup()

    def reports(self) -> list[Markup]:
        """The same in parts: the saved file is written anew only where one of them changed."""
        return [self.report()]

    def stage(self) -> Hashable:
        """Another value is another state, worth a new copy in the saved notebook."""
        return id(self.result), self.error is None

    def opened(self) -> None:
        """Called once the panel is on a page: what only a person who looks needs is made here."""

    @property
    def form(self) -> Form:
        """The fields as they stand."""
        return Form(self._prefix, self.values, self.errors, self.busy)

    def can(self, name: str, method: Callable[..., Any], *, doing: str = "", always: bool = False) -> None:
        """Let buttons run a method: nothing else on a page can."""
        self._actions[name] = Action(method, doing, always)

    def has(self, name: str, value: Any, changed: Callable[[Any], Any] | None = None) -> None:
        """Have a field; `changed` is called with what a person typed or chose, after `values` has it."""
        self.values[name] = value
        self._fields[name] = changed or (lambda _: None)

    def put(self, name: str, value: Any) -> None:
        """Put a value into a field, as if a person had typed or chosen it there."""
        self.values[name] = value
        self.errors.pop(name, None)
        try:
            self._fields[name](value)
        finally:
            self.refresh()

    def suggests(self, name: str, suggest: Callable[[str], Any]) -> None:
        """Call this with what is being typed into a field."""
        self._suggesters[name] = suggest

    def embed(self, panel: Panel) -> Panel:
        """Show another panel as a part of this one."""
        panel._host = self
        return panel

    @property
    def embedded(self) -> list[Panel]:
        """The panels shown as parts of this one."""
        return []

    # ---- on the page --------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        from IPython.display import display

        if self._surface is None:
            self._surface = Surface(self._act, str(self.html()))
        display(self._surface)
        self._saved.display(self._copy(), self.stage())
        self.opened()
        self.refresh()

    def html(self) -> Markup:
        """The panel as it is now, for a page: its body, and the bar that is always in view."""
        return join([self.body(), self.bar(self.figures(), self.next_action())])

    def bar(self, figures: list[Markup], *buttons: Markup | None) -> Markup:
        """The bar at the foot: figures, what is going on or went wrong, and what comes next."""
        after = el("div", buttons, class_="next", data_key="next")
        return el(
            "div", el("div", figures, class_="figures"), self.status, after, class_="hfft-bar", data_key="bar",
            role="group", aria_label="Estimate and next step",
        )  # fmt: skip

    def refresh(self) -> None:
        """Draw again, on every page that shows it; from any thread."""
        if self._host is not None:
            self._host.refresh()
        elif self._surface is not None:
            with self._drawing:
                self._saved.keep(self._copy, self.stage())  # first: what a page shows can be saved at once
                self._surface.show(str(self.html()))

    def notify(self, words: str) -> None:
        """Say something where nobody looks: in the title of a hidden tab."""
        shown = self._host or self
        if shown._surface is not None:  # noqa: SLF001 - a panel, too
            shown._surface.notify(words)  # noqa: SLF001

    def _copy(self) -> list[Markup]:
        """The saved notebook's copy, which the live panel hides: the stylesheet, what there is to read, its time."""
        uid = self._surface._uid if self._surface else ""  # noqa: SLF001 - what the page knows it by
        when = el("p", "As of ", time.strftime("%H:%M"), ". Run the cell to go on.", class_="asof")
        return [
            el("div", part, class_="hfft-saved hfft-vars", data_saved=uid) for part in (style(), *self.reports(), when)
        ]

    def _act(self, message: Mapping[str, Any]) -> None:
        """What a person did on a page; errors are shown by the methods themselves."""
        name = str(message.get("do") or message.get("set") or message.get("typed") or "")
        for panel in (self, *self.embedded):
            if name.startswith(panel._prefix):  # noqa: SLF001 - of its own kind
                with suppress(Exception):
                    panel._take(name.removeprefix(panel._prefix), message)  # noqa: SLF001
                return

    def _take(self, name: str, message: Mapping[str, Any]) -> None:
        value = message.get("value")
        if "set" in message and name in self._fields:
            self.put(name, value)
        elif "typed" in message and name in self._suggesters:
            self._suggesters[name](str(value))
        elif "do" in message and name in self._actions:
            self._run(self._actions[name], value)

    def _run(self, action: Action, value: Any) -> None:
        call = action.method if value is None else functools.partial(action.method, value)
        if action.doing:
            self.start(call, doing=action.doing)
        elif action.always or not self.busy:
            try:
                call()
            finally:
                self.refresh()

    # ---- doing things -------------------------------------------------------------------------

    def start(self, method: Callable[[], Any], *, doing: str) -> threading.Thread | None:
        """Run a method in a daemon thread; while one runs, further starts (a second click) change nothing.

        On Colab it runs here: what a click's own thread sends is shown at once, and Colab's Interrupt stops it.

        Returns:
            The thread that runs it; None: something else is running.
        """
        with self._starting:
            if self.busy:
                return None
            self.busy = True
        self._stop.clear()
        self.set_status("run", f"{doing} …")
        if hosts.on_colab():
            self._background(method)
            return threading.current_thread()
        self._thread = threading.Thread(target=self._background, args=(method,), name="hfft-panel", daemon=True)
        self._thread.start()
        return self._thread

    def _background(self, method: Callable[[], Any]) -> None:
        try:
            with self._guarding():
                method()
        except Exception as error:  # noqa: BLE001 - shown and stored by the guard; a thread has nobody to raise to
            if getattr(error, "signs_in", False):
                self.signing_in.remember(method)
        except KeyboardInterrupt:
            self.show_error(CancelledError("Stopped.", remedy="Nothing was changed."))
        finally:
            self.busy = False
            self.refresh()

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
            if outermost:
                self.refresh()

    def stop(self) -> None:
        """Ask the work going on to stop at its next step."""
        self._stop.set()

    def progress(self, done: int, total: int, words: str = "") -> None:
        """Show how far a long job is, in rows or these words; raises CancelledError where a stop was asked for."""
        if self._stop.is_set():
            raise CancelledError("Stopped.", remedy="Nothing was changed.")
        words = words or (f"{done:,} of {total:,} rows" if total else f"{done:,} rows")
        meter = el("progress", value=done, max=total, aria_label=words) if total else None
        self._say("run", join([el("span", words, aria_hidden="true"), meter]))  # not read aloud a hundred times

    # ---- telling ------------------------------------------------------------------------------

    def set_status(self, kind: str, words: str) -> None:
        """One line of status; `kind` is an icon of `core.html`."""
        self._say(kind, join([words]))

    def clear_status(self) -> None:
        """No status."""
        self._status = None
        self.refresh()

    def show_error(self, error: Exception) -> None:
        """Show an error where the person looks, with what to do next; the traceback is folded away."""
        self.error = error
        if isinstance(error, CancelledError):
            return self.set_status("info", str(error))
        if isinstance(error, HfftError):
            return self._say("bad", join([el("b", error.what), " ", error.why, " ", error.remedy]))
        trace = el("pre", "".join(traceback.format_exception(error)[-12:]))
        words = [el("b", f"{type(error).__name__}: "), str(error), fold("Details", trace)]
        return self._say("bad", join(words))

    @property
    def status(self) -> Markup:
        """The line of status, with Stop while something is going on."""
        if self._status is None:
            return el("div", class_="hfft-status", role="status", data_key="status")
        kind, words = self._status
        stop = self.form.button("Stop", "stop", quiet=True, always=True) if self.busy and self.can_stop else None
        if stop and hosts.on_colab():
            stop = el("small", "To stop: Runtime, Interrupt execution")
        return el(
            "div", icon(kind), el("div", words, self.signing_in.view(), class_="grow"), stop,
            class_=f"hfft-status {kind}",
            role="alert" if kind == "bad" else "status", data_key="status",
        )  # fmt: skip

    def _say(self, kind: str, words: Markup) -> None:
        self._status = (kind, words)
        self.refresh()


class History:
    """States to go back to, the last first."""

    def __init__(self) -> None:
        self._states: list[Any] = []

    def __bool__(self) -> bool:
        return bool(self._states)

    def keep(self, state: Any) -> None:
        """Remember how it was."""
        self._states.append(state)

    def back(self) -> Any:
        """The last state that was remembered; it is forgotten."""
        return self._states.pop()

    def clear(self) -> None:
        """Forget all."""
        self._states.clear()


class _SavedCopy:
    """The plain outputs beside a surface: they stay in the file, and show where no kernel is.

    They are written at changes of stage, and at most once a minute otherwise; each only where it changed.
    """

    def __init__(self) -> None:
        self._handles: list[Any] = []
        self._written: list[Markup] = []
        self._stage: Hashable = None
        self._when = float("-inf")

    def display(self, parts: list[Markup], stage: Hashable) -> None:
        """Write them below the running cell."""
        from IPython.display import display

        self._handles = [display(_Html(part), display_id=True) for part in parts]
        self._written, self._stage, self._when = parts, stage, time.monotonic()

    def keep(self, copy: Callable[[], list[Markup]], stage: Hashable) -> None:
        """Write them anew where it is worth it."""
        if not self._handles or (stage == self._stage and time.monotonic() - self._when < SAVE_SECONDS):
            return
        before, parts = self._written, copy()
        self._written, self._stage, self._when = parts, stage, time.monotonic()
        if parts[:-1] == before[:-1]:
            return  # nothing but the time is new
        for handle, part, old in zip(self._handles, parts, before, strict=True):
            if handle is not None and part != old:  # outside a notebook there is none
                hosts.tell(functools.partial(handle.update, _Html(part)))


class _Html:
    """What IPython shows as text/html and nothing else."""

    def __init__(self, html: str) -> None:
        self._html = html

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return ""
