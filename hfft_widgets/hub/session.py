"""The official client, with time limits: its own has none."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hfft_widgets.hub.outcomes import bad_settings, translated

if TYPE_CHECKING:
    from hfft_widgets.hub.token import Token

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
_lock = threading.Lock()
_users = 0
_before: Any = None


def endpoint() -> str:
    """The Hub's address: HF_ENDPOINT, read at each use."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def offline() -> bool:
    """Whether the person forbade to reach the Hub."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


@contextmanager
def client(token: Token | None, action: str) -> Iterator[Any]:
    """The official client (`HfApi`) for a few calls, with time limits, and errors translated.

    Args:
        token: Sent with each call; None: no token at all, not even a saved one.
        action: What is tried, to follow "could not".
    """
    from huggingface_hub import HfApi

    with translated(action), _limited():
        yield HfApi(endpoint=endpoint(), token=token.reveal() if token else False, library_name="hfft_widgets")


@contextmanager
def quiet() -> Iterator[None]:
    """Without the client's own words and bars about an upload."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    shown = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        if shown:
            enable_progress_bars()


@contextmanager
def _limited() -> Iterator[None]:
    """The client's one shared session gets limits while it is used here: replacing it would cut others' downloads."""
    global _users, _before  # noqa: PLW0603 -- the session is one per process too
    from huggingface_hub.utils import get_session

    try:
        session = get_session()
    except Exception as error:  # noqa: BLE001 -- an address, a scheme, a package that is missing, a certificate
        raise bad_settings(error) from None
    with _lock:
        if _users == 0:
            _before = session.timeout
            session.timeout = type(session.timeout)(READ_SECONDS, connect=CONNECT_SECONDS)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                session.timeout = _before
