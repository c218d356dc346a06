"""Each JupyterLab that the extra `lab` allows, and the Notebook that belongs to it, in an environment of its own.

Installed from the wheel by pip, which needs a package index; no Node is on the PATH. The newest is tried with every
change from the wheel too, beside this environment's other packages: `test_lab_installed.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from playwright.sync_api import Browser, expect

from tests.browser.harness import LabServer, NotebookServer, notebook_page
from tests.browser.lab_page import check_tile_and_panel
from tests.test_package import pip

ROOT = Path(__file__).parents[2]
VERSIONS = {"4.4": "7.4", "4.5": "7.5", "4.6": "7.6"}  # JupyterLab, and the Notebook made of it
SAY = "import jupyterlab, notebook; print(jupyterlab.__version__, notebook.__version__)"
pytestmark = pytest.mark.browser


class _Own:
    """A server of an environment that knows nothing of this one."""

    def __init__(self, root: Path, prefix: Path) -> None:
        self.prefix = prefix
        super().__init__(
            root, env={"HFFT_HOME": str(root / "home"), "PATH": str(prefix / "bin"), "PYTHONPATH": ""}
        )  # fmt: skip

    def _python(self) -> str:
        return str(self.prefix / "bin" / "python")

    def _shares(self, state: Path) -> dict[str, str]:
        return {"JUPYTER_PREFER_ENV_PATH": "1"}

    def _add_extension(self, state: Path) -> None:
        pass


class OwnLab(_Own, LabServer):
    pass


class OwnNotebook(_Own, NotebookServer):
    pass


def test_the_extra_allows_what_is_tried_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (lab,) = (one for one in map(Requirement, project["optional-dependencies"]["lab"]) if one.name == "jupyterlab")
    series = [f"4.{minor}" for minor in range(30) if lab.specifier.contains(f"4.{minor}.99")]
    assert series == list(VERSIONS)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lab", VERSIONS)
def test_an_environment_of_its_own(browser: Browser, tmp_path: Path, lab: str) -> None:
    prefix = installed(tmp_path, lab)
    asked = subprocess.run(
        [prefix / "bin/python", "-c", SAY],
        capture_output=True, text=True, check=True, env={"PATH": str(prefix / "bin")},
    )  # fmt: skip
    print("\nin it:", asked.stdout.strip())
    assert [one.rpartition(".")[0] for one in asked.stdout.split()] == [lab, VERSIONS[lab]]
    with OwnLab(tmp_path / "lab", prefix) as server, notebook_page(browser, server) as notebook:
        check_tile_and_panel(notebook, server)
    with OwnNotebook(tmp_path / "notebook", prefix) as server, notebook_page(browser, server) as notebook:
        notebook.open(server.write("start.ipynb", "import hfft_widgets as hfft\nhfft.FineTuner()"))
        notebook.run_all()
        expect(notebook.page.locator(".hfft-root").get_by_role("button", name="Check dataset")).to_be_visible()
        where = f"assert hfft.__file__.startswith({str(prefix)!r}), hfft.__file__"
        notebook.execute(where)
        assert notebook.page.evaluate("() => window.jupyterapp.commands.hasCommand('hfft:open-runs')")
        assert notebook.external_requests() == []


def installed(folder: Path, lab: str) -> Path:
    """An environment with the wheel, this JupyterLab and its Notebook, as pip makes it."""
    if os.name == "nt":
        pytest.skip("its folders are called otherwise")
    pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    prefix = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    asked = [f"{wheel}[lab]", f"jupyterlab=={lab}.*", f"notebook=={VERSIONS[lab]}.*"]
    pip("--python", str(prefix / "bin/python"), "install", *asked)
    return prefix
