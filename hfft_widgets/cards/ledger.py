"""What was started, refused and paid: as a card, as lines of text, and as values for a page that draws them itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from hfft_widgets.cards.parts import fold, items
from hfft_widgets.core.html import Markup, el
from hfft_widgets.core.units import duration_text, short, usd_text

Values = Mapping[str, Any]
LAST = 10  # entries that a card shows
_ICONS = {"started": "ok", "refused": "warn", "starting": "wait"}
_BY = {"free": "free", "person": "a person agreed", "limit": "within the limit given before"}
_SAID = 160  # characters of a title, or of why something was refused


def summary(ledger: Values) -> str:
    """Today's sum and the limits: "Last 24 hours: $0.40 of at most $5.00 · agents alone: only what is free"."""
    allowed = ledger["allowed"]
    day, agents = allowed["day_usd"], allowed["agent_usd"]
    of = f" of at most {usd_text(day)}" if day is not None else ", no daily limit"
    alone = "nothing can be started" if allowed["read_only"] else f"agents alone: {_most(agents)}"
    return f"Last 24 hours: {usd_text(ledger['counted_usd_24_hours'])}{of} · {alone}"


def _most(usd: float) -> str:
    return f"at most {usd_text(usd)} a launch" if usd else "only what is free"


def line(entry: Values) -> str:
    """One entry as a line of text."""
    shown = row(entry)
    return f"{shown['when']}  {entry['state']}  {entry['title']} on {entry['flavor']}  {shown['words']}"


def row(entry: Values) -> dict[str, str]:
    """One entry in words: icon, when, title, words (what became of it), usd (what it counts)."""
    refused = entry["state"] == "refused"
    at_most = "" if entry["cost_usd"] is not None or not entry["counted_usd"] else " at most"
    usd = "" if refused else f"{usd_text(entry['counted_usd'])}{at_most}"
    by = str(_BY.get(entry["allowed_by"], entry["allowed_by"]))
    if stall := entry.get("stall_seconds"):
        by += f", stopped after {duration_text(stall)} without progress"
    return {
        "icon": _ICONS.get(entry["state"], "wait"),
        "when": time.strftime("%Y-%m-%d %H:%M", time.localtime(entry["time"])),
        "title": short(f"{entry['title']} on {entry['flavor']}", _SAID),
        "words": short(f"refused: {entry['why']}", _SAID) if refused else f"{entry['run']} {usd} ({by})",
        "usd": usd,
    }


def rows(ledger: Values) -> list[dict[str, str]]:
    """The last entries, the newest first."""
    return [row(entry) for entry in ledger["entries"][:LAST]]


def html(ledger: Values) -> Markup | None:
    """Folded: today's sum and the limits; inside, the last entries. None: nothing was ever started or refused."""
    if not ledger["entries"]:
        return None
    shown = items((one["icon"], one["title"], f"{one['when']} · {one['words']}", one["usd"]) for one in rows(ledger))
    more = el("p", "All of it: hfft ledger. Your limits: HFFT_DAY_USD, and for agents HFFT_MAX_USD.", class_="note")
    return el("div", fold(summary(ledger), shown, more), class_="hfft ledger", data_key="ledger")
