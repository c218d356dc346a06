"""Counting the parameters of an architecture that has no closed form here: transformers builds it without memory.

In a process of its own: transformers takes seconds to load and stays out of the notebook's process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from hfft_widgets.scripts.machine.threads import thread_environment

_SECONDS = 120.0


def initialised_parameters(config: Mapping[str, Any], *, timeout_seconds: float = _SECONDS) -> int | None:
    """Parameters of the model that a config.json describes, tied ones once; None if transformers cannot build it.

    Code that a repository brings along is never run.

    Args:
        config: A parsed config.json with its `model_type`.
        timeout_seconds: None is returned after that.
    """
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "hfft_widgets.sources.meta"],
            input=json.dumps(dict(config)), capture_output=True, text=True, timeout=timeout_seconds, check=True,
            env={**os.environ, **thread_environment()},
        )  # fmt: skip
        return int(answer.stdout.rsplit("\n", 2)[-2])
    except (OSError, subprocess.SubprocessError, TypeError, ValueError, IndexError):
        return None


def _count(config: dict[str, Any]) -> int:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    kind = config.pop("model_type")
    described = AutoConfig.for_model(kind, **config)
    seeing = type(described) in AutoModelForImageTextToText._model_mapping  # noqa: SLF001 - the library's own test
    family = AutoModelForImageTextToText if seeing else AutoModelForCausalLM
    with torch.device("meta"):
        model = family.from_config(described, trust_remote_code=False)
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    sys.stdout.write(f"{_count(json.load(sys.stdin))}\n")
