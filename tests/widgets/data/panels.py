"""Datasets with what a person would click at, and what a panel shows of them."""

from __future__ import annotations

from typing import Any

import hfft_widgets as hfft
from tests.widgets.html import Element, page

PAIRS = [{"id": n, "question": f"Why {n}?", "good_response": f"So {n}.", "bad_response": f"No {n}."} for n in range(12)]


def turns(*contents: Any) -> dict[str, Any]:
    roles = ("user", "assistant") * len(contents)
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]}


BROKEN = [turns(f"Why {n}?", f"So {n}.") for n in range(12)]
BROKEN[3], BROKEN[5], BROKEN[8] = turns("Why?", None), turns("Why not?", None), BROKEN[0]


def checked(data: Any, **options: Any) -> hfft.DatasetValidator:
    panel = hfft.DatasetValidator(data, **options)
    panel.validate()
    return panel


def opened(panel: hfft.DatasetValidator) -> Element:
    """What is open below a method."""
    return page(panel).one(class_="open")


def row_of(panel: hfft.DatasetValidator, method: str) -> Element:
    """The line of a method in the list."""
    return next(one for one in page(panel).all(tag="button", class_="row") if one["data-value"] == method)
