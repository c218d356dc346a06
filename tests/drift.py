"""What came out since: the tested versions beside the newest that the ranges of pyproject.toml allow.

    python -m tests.drift             says what would change; ends with 0, whatever it finds
    python -m tests.drift take-up     moves the pins, installs them into a fresh environment, runs the checks there

Torch and what only generated scripts install (see `BY_HAND`) are moved by hand.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hfft_widgets.core import pins

ROOT = Path(__file__).parent.parent
FILE = ROOT / "hfft_widgets" / "constraints.txt"
BY_HAND = ("torch", "torchvision", "trackio", "kernels")


def installed() -> Iterator[tuple[str, str, str]]:
    """Name, version tested with this Python and version in this environment, of each package that is in it."""
    lines = (line.partition("#")[0].strip() for line in FILE.read_text("utf-8").splitlines())
    for asked in (Requirement(line) for line in lines if line):
        if asked.marker and not asked.marker.evaluate():
            continue
        try:
            yield asked.name, str(asked.specifier).removeprefix("=="), version(asked.name).partition("+")[0]
        except PackageNotFoundError:
            continue


def installed_in(python: Path) -> dict[str, str]:
    """What another environment holds: name in its canonical spelling -> version."""
    command = [python, "-m", "pip", "list", "--format", "json"]
    listed = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return {canonicalize_name(one["name"]): one["version"].partition("+")[0] for one in listed}


def newest() -> dict[str, str]:
    """What pip would install today without the constraints: name in its canonical spelling -> version."""
    asked = [*pins.pins("torch"), f"{ROOT}[local,test]"]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    done = subprocess.run([*command, *asked], stdout=subprocess.PIPE, text=True, check=True)
    found = [item["metadata"] for item in json.loads(done.stdout)["install"]]
    return {canonicalize_name(one["name"]): one["version"].partition("+")[0] for one in found}


def changes(found: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Name -> (tested, newest), where they differ; a package that is new was tested as an empty text."""
    tested = {canonicalize_name(name): (name, version) for name, version in pins.versions().items()}
    changed = {tested.get(name, (name, ""))[0]: (tested.get(name, ("", ""))[1], new) for name, new in found.items()}
    return {
        name: pair
        for name, pair in sorted(changed.items())
        if pair[0] != pair[1] and name not in ("hfft-widgets", *BY_HAND) and not name.startswith(("nvidia-", "triton"))
    }


def moved(text: str, changed: Mapping[str, tuple[str, str]]) -> str:
    """The constraints with other versions; new packages at the end. What an older Python gets stays.

    >>> old, new = 'a==1; python_version < "3.12"', 'a==2; python_version >= "3.12"'
    >>> moved(f"{old}\\n{new}\\nb==1\\n", {"a": ("2", "3"), "b": ("1", "1.1"), "c": ("", "7")}).splitlines()
    ['a==1; python_version < "3.12"', 'a==3; python_version >= "3.12"', 'b==1.1', 'c==7']
    """
    for name, (old, new) in changed.items():
        line = rf"(?m)^{re.escape(name)}==[^\s;]+(?=$| *;.*>=)"
        text = re.sub(line, f"{name}=={new}", text) if old else f"{text}{name}=={new}\n"
    return text


def check() -> int:
    """Install what the file says into a fresh environment and run the tests there; their exit code."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "Scripts" if os.name == "nt" else "bin", "python")
        asked = ["-c", str(FILE), *pins.pins("torch"), "-e", f"{ROOT}[local,test]"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *asked], check=True)
        return subprocess.run(
            [python, "-m", "pytest", "-q"], cwd=ROOT, env=os.environ | {"HFFT_REQUIRE_PINS": "1"}
        ).returncode


def main(take_up: bool) -> int:
    changed = changes(newest())
    for name, (old, new) in changed.items():
        print(f"{name:30} {old or 'new':>15} -> {new}")
    print(
        f"{len(changed)} of {len(pins.versions())} packages changed. Moved by hand: {', '.join(BY_HAND)}.", flush=True
    )
    if not take_up or not changed:
        return 0
    FILE.write_text(moved(FILE.read_text("utf-8"), changed), "utf-8")
    code = check()
    print(
        "The checks pass: commit the file." if code == 0 else f"The checks fail; `git checkout {FILE}` takes it back."
    )
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] == ["take-up"]))
