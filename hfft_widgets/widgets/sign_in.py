"""A token typed where it is needed: it goes to the kernel's memory, nowhere else; then what was asked is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from hfft_widgets.cards.parts import link
from hfft_widgets.core.html import Markup, el
from hfft_widgets.errors import HubError
from hfft_widgets.hub import account

if TYPE_CHECKING:
    from hfft_widgets.widgets.form import Form

TOKENS = "https://huggingface.co/settings/tokens"


class Asker(Protocol):
    """What is needed of a panel."""

    error: Any

    @property
    def form(self) -> Form: ...  # noqa: D102
    def can(self, name: str, method: Callable[..., Any], *, doing: str = "") -> None: ...  # noqa: D102
    def set_status(self, kind: str, words: str) -> None: ...  # noqa: D102


class SignInPart:
    """A field for a token beside an error that signing in may mend.

    Args:
        panel: Whose errors these are.
    """

    def __init__(self, panel: Asker) -> None:
        self._panel = panel
        self._asked: Callable[[], Any] | None = None
        panel.can("sign_in", self.sign_in, doing="Signing in")

    def remember(self, method: Callable[[], Any]) -> None:
        """Do this once somebody has signed in; signing in itself is not asked for again."""
        if getattr(method, "func", method) != self.sign_in:
            self._asked = method

    def sign_in(self, token: str) -> None:
        """Take the token, then do what was asked before."""
        if not token.strip():
            raise HubError("No token was typed.", remedy=f"Make one at {TOKENS}.")
        self._panel.set_status("ok", account.sign_in(token).capitalize())
        asked, self._asked = self._asked, None
        if asked is not None:
            asked()

    def view(self) -> Markup | None:
        """The page where it can be mended, and the field; None where neither would help."""
        error = self._panel.error
        page, signs_in = getattr(error, "page", ""), getattr(error, "signs_in", False)
        if not page and not signs_in:
            return None
        field = self._panel.form.secret("token", "Hugging Face token", "Sign in", "sign_in") if signs_in else None
        to_page = link("Open its page", page) if page else link("Make a token", TOKENS)
        return el("div", field, to_page, class_="hfft-sign-in", data_key="sign-in")
