"""Results as HTML, Markdown and text, from the JSON values that they give of themselves.

A card is a module here with `html`, `markdown` and `text` of the values, and an entry in `_CARDS` under their "kind".
It reads what `to_dict("card")` holds and nothing else, each section through `known`, so that it shows what is there of
values that another version saved. Texts become HTML through `core.html.el` alone, which escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeVar

from hfft_widgets.cards.parts import style
from hfft_widgets.core.card import Detail, HasCard
from hfft_widgets.core.html import join
from hfft_widgets.errors import HfftError

__all__ = ["SavedResult", "figure", "known", "render", "show"]

_CARDS = {
    "report": "report",
    "proof": "proof",
    "training": "plan",
    "refusal": "too_large",
    "export": "export",
    "run": "run",
    "run_comparison": "runs.comparison",
    "rules": "report.rules",
    "reward_trial": "trials.reward_trial",
    "dry_run": "trials.dry_run",
    "sweep": "sweep",
}
# what a card reads without asking whether it is there
_USUAL: Mapping[str, Any] = {"title": "untitled", "name": "untitled", "reasons": [], "warnings": [], "card": {}}
Part = TypeVar("Part")


def show(values: Mapping[str, Any]) -> SavedResult:
    """A result that was saved as JSON values, by whichever of our versions: it shows what is there.

    >>> print(show({"kind": "refusal", "title": "Not planned: SFT of a-model", "what": "It is too large."}))
    Not planned: SFT of a-model
    <BLANKLINE>
    Why:
      - It is too large.

    Args:
        values: What `to_dict()` or `to_dict("card")` of a report, plan, refusal, export plan or run gave.

    Raises:
        HfftError: They are none of these.
    """
    _kind(values)
    return SavedResult(values)


@dataclass(frozen=True)
class SavedResult(HasCard):
    """A result of which only the values are here.

    Attributes:
        values: Those of its `to_dict`.
    """

    values: Mapping[str, Any] = field(repr=False)

    def to_dict(self, detail: Detail = "card") -> dict[str, Any]:
        """The values; plain ones without what only the card shows."""
        return {name: value for name, value in self.values.items() if detail == "card" or name != "card"}


def render(values: Mapping[str, Any], form: str) -> str:
    """The values of a result as "text", "markdown", "html", or "part": the card for a page that has its stylesheet."""
    card = import_module(f"{__name__}.{_CARDS[_kind(values)]}")
    shown = {**_USUAL, **values}
    rendered: str = getattr(card, "html" if form == "part" else form)(shown)
    return join([style(), rendered]) if form == "html" else rendered


def figure(values: Mapping[str, Any]) -> dict[str, Any]:
    """The chart of a result, as `plotly.graph_objects.Figure` takes it."""
    drawn: dict[str, Any] = import_module(f"{__name__}.{_CARDS[_kind(values)]}").figure({**_USUAL, **values})
    return drawn


def _kind(values: Mapping[str, Any]) -> str:
    kind = str(values.get("kind") or ("report" if "verdicts" in values else ""))  # reports had no kind at first
    if kind not in _CARDS:
        raise HfftError(
            f"These values are no result that has a card: their kind is {kind!r}.",
            remedy=f"Give what to_dict() of a result returned; kinds are {', '.join(_CARDS)}.",
        )
    return kind


def known(part: Callable[..., Part], *values: Any) -> Part | None:
    """A part of a card; None where the values, saved by another version or made by others, lack what it shows."""
    try:
        return part(*values)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None
