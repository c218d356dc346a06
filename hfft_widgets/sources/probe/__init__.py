"""One probe instead of guesses: transformers builds a model without memory, PEFT gives it adapters, both say what is.

In a process of its own: torch takes seconds to load and stays out of the notebook's process. What it found is kept.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from hfft_widgets import folders
from hfft_widgets.child_process import ask_child
from hfft_widgets.core.estimate.probe import ModelProbe
from hfft_widgets.scripts.machine.threads import thread_environment

_SECONDS, _SOON = 120.0, 2.0
_PACKAGES = ("torch", "transformers", "peft")
# of what is kept: another form gets another number
_FORM = 2
# what of a configuration neither builds the model nor names its class: a new revision that changes only those is known
_ELSEWHERE = ("_name_or_path", "transformers_version", "auto_map", "dtype", "torch_dtype")
_HIDDEN = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH")

Notice = Callable[[str], None]


def probed(
    config: Mapping[str, Any], *, timeout_seconds: float = _SECONDS, notice: Notice | None = None
) -> ModelProbe | str:
    """What transformers and PEFT say of the model that a config.json describes; where they cannot, why, in words.

    Nothing is asked of the network, and code that a repository brings along is never run.

    Args:
        config: A parsed config.json with its `model_type`.
        timeout_seconds: After that it is given up.
        notice: Called once with words for a person, if it takes longer than two seconds.
    """
    try:
        versions = [metadata.version(package) for package in _PACKAGES]
        given = json.dumps({name: config[name] for name in sorted(config) if name not in _ELSEWHERE}, allow_nan=False)
    except metadata.PackageNotFoundError as error:
        return f"{error.name} is not installed here"
    except (TypeError, ValueError):
        return "its config.json holds what JSON does not"
    digest = hashlib.sha256(json.dumps([_FORM, versions, given]).encode()).hexdigest()[:32]
    kept = folders.cache("probes", f"{digest}.json")
    found = _read(kept)
    if found is None:
        answer = _answered(given, timeout_seconds, notice or _silent)
        if isinstance(answer, str):
            return answer
        found = answer
        _keep(kept, found)
    return found


def _silent(_: str) -> None:
    """Nobody waits for words."""


def _read(file: Path) -> ModelProbe | None:
    try:
        return ModelProbe.from_dict(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _keep(file: Path, found: ModelProbe) -> None:
    """It can be made again: where it cannot be written, it is."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f"{file.name}.{os.getpid()}")
        beside.write_text(json.dumps(found.to_dict()), "utf-8")
        beside.replace(file)
    except OSError:
        pass


def _answered(given: str, seconds: float, notice: Notice) -> ModelProbe | str:
    command = [sys.executable, "-m", "hfft_widgets.sources.probe.child"]
    try:
        answers, last, in_time = ask_child(
            command, {"config": given}, environment=_environment(), progress=_Patience(notice), most_seconds=seconds
        )
        if answers:
            return ModelProbe.from_dict(answers[0])
        if not in_time:
            return f"it took longer than {seconds:.0f} seconds"
        return f"transformers cannot build it: {last[:200]}"
    except OSError as error:
        return f"no process could be started: {error}"
    except (ValueError, KeyError, TypeError) as error:
        return f"its answer cannot be read: {error}"


class _Patience:
    """Says once that it takes longer."""

    def __init__(self, notice: Notice) -> None:
        self._notice, self._began = notice, time.monotonic()

    def __call__(self, _: int) -> None:
        if time.monotonic() - self._began > _SOON:
            self._began = math.inf
            self._notice("Asking transformers and PEFT about the model (once, about 10 to 20 seconds)")


def _environment() -> dict[str, str]:
    """Offline, on the processor, and without anybody's token."""
    kept = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    return {**kept, **thread_environment(), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
