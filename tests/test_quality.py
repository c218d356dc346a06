"""What is configured is run: lint, types, import directions, the agreed top level, nothing private in the tree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "hfft_widgets", "notebooks", "tests", "binder"}


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint():
    run("ruff", "check", ".")


def test_format():
    run("ruff", "format", "--check", ".")


def test_types():
    run("mypy")


def test_imports_go_one_way():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_the_top_level_is_the_agreed_one():
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


# a Hugging Face token, and folders of one machine; written so that this file does not match itself
SECRET = re.compile(r"\bhf_[A-Za-z0-9]{30,}")
MACHINE_PATH = re.compile(r"(?<![\w./~-])/(?:home/\w+|root|work|tmp|Users/\w+)/\w")


@pytest.mark.parametrize("pattern", [SECRET, MACHINE_PATH], ids=["token", "machine path"])
def test_the_tree_holds_no(pattern: re.Pattern[str]):
    found = []
    for path in tracked():
        if path.name == "test_quality.py" or path.suffix in {".png", ".gguf"}:
            continue
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_notebooks_hold_no_outputs():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        text = path.read_text("utf-8")
        assert '"output_type"' not in text, path
        assert not re.search(r'"execution_count": \d', text), path


def test_binder_pins_what_pyproject_asks_for():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [
        line.partition("#")[0].strip()
        for name in ("requirements.txt", "requirements-train.txt")
        for line in (ROOT / "binder" / name).read_text("utf-8").splitlines()
    ]
    pins = {Requirement(line).name.lower().replace("_", "-"): Requirement(line) for line in lines if line}
    extras = project["optional-dependencies"]
    for text in [*project["dependencies"], *extras["train"], *extras["gguf"], *extras["lab"]]:
        wanted = Requirement(text)
        if wanted.name == "torch":  # postBuild installs its CPU build
            continue
        pinned = pins[wanted.name.lower().replace("_", "-")]
        (version,) = [spec.version for spec in pinned.specifier]
        assert wanted.specifier.contains(version), (str(pinned), text)
    assert all(str(pin.specifier).startswith("==") for pin in pins.values())
