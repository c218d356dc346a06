"""What the Hub was asked, and the form of what it answered: names of fields and kinds of values, never a value.

with recorded() as transcript:
    ...
transcript.exchanges(("my-name", "my-team"))  # what a person can show to others
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from hfft_widgets.scripts.masking import Mask

if TYPE_CHECKING:
    import httpx

_MOST_KEYS = 80  # of one record; more are values, not names
_DEPTH = 6
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27,}|[0-9a-f]{16,}", re.IGNORECASE)
_KINDS = {bool: "true or false", int: "number", float: "number", str: "text", type(None): "nothing"}
_SHAPES = Mask()
_open: list[Transcript] = []


class Transcript:
    """The exchanges so far, each once: method, path, status, and the form of the answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, int], Any] = {}

    def add(self, method: str, path: str, status: int, body: Any) -> None:
        """Note one answer; `body` is its JSON, or None where it is none."""
        key = method, _ID.sub("{id}", path), status
        with self._lock:
            self._seen[key] = merged(self._seen.get(key), form(body))

    def exchanges(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """JSON values, in a fixed order, without these names."""
        with self._lock:
            found = [
                {"method": method, "path": path, "status": status, "form": made}
                for (method, path, status), made in sorted(self._seen.items())
            ]
        shown: list[dict[str, Any]] = json.loads(without(json.dumps(found), names))
        return shown


@contextmanager
def recorded() -> Iterator[Transcript]:
    """Note each answer of the Hub to this process, of our own clients and of the official one."""
    from huggingface_hub.utils import get_session

    made, hooks = Transcript(), get_session().event_hooks["response"]
    hooks.append(note)
    _open.append(made)
    try:
        yield made
    finally:
        _open.remove(made)
        hooks.remove(note)


def note(response: httpx.Response) -> None:
    """Called with each answer; does nothing while nobody records."""
    if not _open:
        return
    body = None
    with suppress(Exception):  # what is no JSON, or breaks off, is for who asked
        if "json" in response.headers.get("content-type", ""):
            response.read()
            body = response.json()
    for one in _open:
        one.add(response.request.method, response.request.url.path, response.status_code, body)


def form(value: Any, depth: int = _DEPTH) -> Any:
    """The form of JSON: each value by its kind, each list by what its items have in common.

    >>> form({"name": "x", "sizes": [1, None], "of": {"a": True}})
    {'name': 'text', 'sizes': ['nothing or number'], 'of': {'a': 'true or false'}}
    """
    if isinstance(value, dict):
        if depth <= 0 or len(value) > _MOST_KEYS:
            return "record"
        return {_ID.sub("{id}", str(key)): form(one, depth - 1) for key, one in value.items()}
    if isinstance(value, list):
        made: Any = None
        for one in value[:_MOST_KEYS]:
            made = merged(made, form(one, depth - 1))
        return [] if made is None else [made]
    return _KINDS.get(type(value), "text")


def merged(one: Any, other: Any) -> Any:
    """A form that both are of."""
    if one is None or one == other or other is None:
        return other if one is None else one
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: merged(one.get(name), other.get(name)) for name in one | other}
    if isinstance(one, list) and isinstance(other, list):
        made = merged(*((side[0] if side else None) for side in (one, other)))
        return [] if made is None else [made]
    kinds = {kind for side in (one, other) for kind in _words(side).split(" or ") if kind not in {"true", "false"}}
    return " or ".join(sorted(kinds)) or "true or false"


def _words(made: Any) -> str:
    return made if isinstance(made, str) else "record" if isinstance(made, dict) else "list"


def without(text: str, names: Iterable[str]) -> str:
    """A text without these names, each by its number instead, and without anything that looks like a token."""
    numbered = enumerate(dict.fromkeys(names))
    for number, name in sorted(numbered, key=lambda item: len(item[1]), reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", f"{{name {number}}}", text)
    hidden: str = _SHAPES.hide(text)
    return hidden
