"""What a person chooses from: names of datasets and models, namespaces, goals, methods, machines, quantizations."""

from __future__ import annotations

from typing import Literal

from hfft_widgets.inputs import SAMPLE

Kind = Literal["dataset", "model"]
_LEAST_LETTERS, _MOST_FOUND = 2, 8


def suggestions(kind: Kind, text: str = "") -> list[str]:
    """Names that could be meant by this beginning: recent ones, files of the working folder, samples. No network.

    Args:
        kind: What is looked for.
        text: What was typed so far.
    """
    from hfft_widgets import samples
    from hfft_widgets.sources import suggestions as known

    made = samples.KINDS if kind == "dataset" else ("model",)
    return known.suggestions(kind, text, tuple(SAMPLE + name for name in made))


def remember(kind: Kind, name: str) -> None:
    """Suggest this name first from now on; samples need no memory."""
    from hfft_widgets.sources import suggestions as known

    if not name.startswith(SAMPLE):
        known.remember(kind, name)


def hub_names(kind: Kind, text: str) -> list[str]:
    """Names on the Hub that hold a text: the account's own, then the most downloaded; none where it is not asked.

    It is not asked offline, for what looks like a path or a sample, and for a single letter. It may take seconds.

    Args:
        kind: What is looked for.
        text: What was typed so far.

    Raises:
        HubError: The Hub cannot be asked.
    """
    from hfft_widgets.hub import repos, session
    from hfft_widgets.hub.token import find_token

    wanted = text.strip()
    path = wanted.startswith((SAMPLE, ".", "/", "~", "\\")) or wanted.count("/") > 1
    if session.offline() or path or len(wanted) < _LEAST_LETTERS:
        return []
    return repos.search(find_token(), kind, wanted, most=_MOST_FOUND)


def namespaces() -> tuple[str, ...]:
    """Where the account that is signed in may own repositories: itself, then its organisations.

    Raises:
        HubError: Nobody is signed in, or the Hub cannot be reached.
    """
    from hfft_widgets.hub.account import account

    return account().namespaces


def plan_choices(kind: Literal["training", "export"]) -> dict[str, list[tuple[str, str]]]:
    """What can be asked of a plan: argument of `plan_training` or `plan_export` -> (words, value), the usual first.

    The machines are those of the dated table: nothing is asked of the Hub.
    """
    from hfft_widgets.core.export.quantizations import QUANTIZATIONS, USUAL
    from hfft_widgets.core.method import GOALS, METHODS
    from hfft_widgets.core.plan.hardware import CPU_FLAVORS, FLAVORS

    here = ("this machine", "local")
    if kind == "training":
        machines = [here, *((f"{flavor.name} ({flavor.where})", flavor.name) for flavor in FLAVORS)]
        return {"goal": [(name, name) for name in GOALS], "method": [(n, n) for n in METHODS], "flavor": machines}
    jobs = [(f"Hugging Face Jobs, {f.name} ({f.memory_bytes / 1e9:.0f} GB)", f.name) for f in CPU_FLAVORS]
    return {"quantization": [(n, n) for n in dict.fromkeys((USUAL, *QUANTIZATIONS))], "flavor": [here, *jobs]}
