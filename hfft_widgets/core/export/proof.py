"""What an exported file may be called, by what was found of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

BLANK_ANSWERS = "its answers are blank: they prove nothing"


def standing(verified: Mapping[str, Any]) -> tuple[Literal["ok", "warn"], str]:
    """Whether a file may be called verified, as a status and in words.

    Args:
        verified: The data of the script's `verified` event.
    """
    if not verified.get("verified"):
        return "warn", "not verified in llama.cpp"
    return ("warn", BLANK_ANSWERS) if answers_are_blank(verified.get("questions")) else ("ok", "verified in llama.cpp")


def answers_are_blank(asked: Mapping[str, Any] | None) -> bool:
    """Whether questions were asked, and neither the trained model nor the file said a word to any.

    Args:
        asked: How the file answered the training's held-out questions (`questions` of the event).
    """
    return bool(asked) and not (asked or {}).get("telling", True)  # a file proven before they were counted: not known
