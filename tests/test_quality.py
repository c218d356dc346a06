"""The agreed top level, nothing private in the tree, and one truth about versions."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hfft_widgets.core import pins
from tests import drift

ROOT = Path(__file__).parent.parent
TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "hfft_widgets", "notebooks", "tests", "binder"}


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


def test_what_is_asked_for_was_tested():
    """Every requirement of the package, its extras and the readme's torch has an exact version inside its range."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    tested = {canonicalize_name(name): version for name, version in pins.versions().items()}
    readme = re.findall(r"torch==\S+", (ROOT / "README.md").read_text("utf-8"))
    assert len(readme) == 2
    for text in chain(readme, project["dependencies"], *project["optional-dependencies"].values()):
        wanted = Requirement(text)
        if wanted.name != project["name"]:
            version = tested[canonicalize_name(wanted.name)]
            assert wanted.specifier.contains(version), (text, version)


@pytest.mark.parametrize("file", ["README.md", "binder/postBuild"])
def test_whoever_installs_gets_what_was_tested(file):
    installs = re.findall(r"^.*pip install .*$", (ROOT / file).read_text("utf-8"), re.MULTILINE)
    whole = [line for line in installs if "hfft-widgets[" not in line and "pip install hfft-widgets" not in line]
    assert len(whole) >= 2
    assert all("-c hfft_widgets/constraints.txt" in line for line in whole), whole


def test_this_environment_is_what_was_tested():
    """A newer release on a person's machine is no fault; where the readme's command installed, it is one."""
    other = [f"{name} {here} (tested: {version})" for name, version, here in drift.installed() if here != version]
    if other and os.environ.get("HFFT_REQUIRE_PINS") != "1":
        pytest.skip(f"not installed with -c hfft_widgets/constraints.txt: {', '.join(other)}")
    assert not other
