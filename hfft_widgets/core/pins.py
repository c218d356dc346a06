"""The exact versions that were tested: read from the one file that pip and Binder read too."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files


@cache
def versions() -> dict[str, str]:
    """Package -> version, as `constraints.txt` spells them; of two for two Pythons the last, for the newer one."""
    text = (files("hfft_widgets") / "constraints.txt").read_text("utf-8")
    lines = (re.split("[;#]", line)[0].strip() for line in text.splitlines())
    return dict(line.split("==") for line in lines if line)


def pins(*names: str) -> list[str]:
    """Requirements with the tested version of each package.

    >>> pins("cyllama")[0].partition("==")[:2]
    ('cyllama', '==')

    Raises:
        KeyError: A package was not tested.
    """
    return [f"{name}=={versions()[name]}" for name in names]
