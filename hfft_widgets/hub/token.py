"""The token: where it is found, and a value that never shows it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from getpass import getpass
from typing import NoReturn

from hfft_widgets import hosts
from hfft_widgets.hub.outcomes import HubRefusedError
from hfft_widgets.scripts.masking import Mask, known_secrets

_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_SAVED = "the saved login"
_FOUND_BY_ALL = frozenset({*(f"the variable {name}" for name in _VARIABLES), _SAVED})
_TOKENS = "https://huggingface.co/settings/tokens"


class Token:
    """A token that cannot be printed, compared by its text in a message, pickled or copied into a file.

    >>> Token("hf_not_a_real_token", "the environment")
    Token(hidden, from the environment)

    Args:
        text: The token.
        source: Where it was found, for people.
    """

    __slots__ = ("_reveal", "source")
    _reveal: Callable[[], str]

    def __init__(self, text: str, source: str) -> None:
        clean = "".join(text.split())
        self._reveal = lambda: clean  # a closure: vars(), slots and debuggers show a function, not the text
        self.source = source

    def reveal(self) -> str:
        """The text itself: for a request's header or a job's secret, nowhere else.

        Raises:
            HubRefusedError: It holds characters that no header takes, e.g. copied from a formatted text.
        """
        if not (self._reveal().isascii() and self._reveal().isprintable()):
            raise HubRefusedError(
                f"The token from {self.source} holds characters that no token has.",
                status=401,
                remedy=f"Copy it again from {_TOKENS}.",
            )
        return self._reveal()

    def __repr__(self) -> str:
        return f"Token(hidden, from {self.source})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and other._reveal() == self._reveal()

    def __hash__(self) -> int:
        return hash(self._reveal())

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token is not written anywhere.")


_typed: Token | None = None


def find_token() -> Token | None:
    """The token: one typed in this process, else the environment's, the saved login, Colab's secret.

    Raises:
        HubRefusedError: The saved login cannot be renewed.
    """
    if _typed is not None:
        return _typed
    for name in _VARIABLES:
        if text := os.environ.get(name, "").strip():
            return Token(text, f"the variable {name}")
    return _saved()


def _saved() -> Token | None:
    import huggingface_hub
    from huggingface_hub import constants

    from hfft_widgets.hub.outcomes import translated

    with translated("renew the saved login"):
        text = huggingface_hub.get_token()
    if not text:
        return None
    try:
        with open(constants.HF_TOKEN_PATH, encoding="utf-8") as file:  # noqa: PTH123 -- a name, as the client keeps it
            saved = bool(file.read().strip())
    except OSError:
        saved = False
    return Token(text, _SAVED if saved else "Colab's secrets or the login of this service")


def child_environment(*, ask: bool) -> dict[str, str]:
    """Variables by which a script of this machine finds a token that it could not find by itself.

    That is one typed in this process, or one of Colab's secrets.

    Args:
        ask: Whether Colab may be asked for its secret; it shows a question the first time.
    """
    if _typed is None and not (ask and hosts.on_colab()):
        return {}
    found = find_token()
    return {} if found is None or found.source in _FOUND_BY_ALL else {_VARIABLES[0]: found.reveal()}


def own_mask() -> Mask:
    """Hides the person's own secrets, and what looks like one, in what a run printed."""
    typed = (_typed.reveal(),) if _typed else ()
    return _mask(known_secrets(more=typed))


@lru_cache(maxsize=4)
def _mask(secrets: tuple[str, ...]) -> Mask:
    return Mask(secrets)


def ask_token(prompt: Callable[[str], str] | None = None) -> Token:
    """The token of this machine, or one that is typed now, without an echo. It stays in this process.

    Args:
        prompt: Asks without an echo; `getpass.getpass` if not given.

    Raises:
        HubRefusedError: Nothing was typed.
    """
    found = find_token()
    if found is not None:
        return found
    return keep_token((prompt or getpass)(f"Hugging Face token (from {_TOKENS}; it is not shown): "))


def keep_token(text: str) -> Token:
    """Use this token in this process, before any other: a person typed it now.

    Raises:
        HubRefusedError: Nothing was typed.
    """
    global _typed  # noqa: PLW0603 -- one person per process
    if not text.strip():
        raise HubRefusedError("No token was given.", status=401, remedy=f"Make one at {_TOKENS}.")
    _typed = Token(text, "the prompt")
    return _typed


def forget_token() -> None:
    """Drop the token that was typed in this process."""
    global _typed  # noqa: PLW0603
    _typed = None
