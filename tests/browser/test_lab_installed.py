"""From the wheel alone, in an environment of its own and without Node: the tile and the panel are there, and work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.harness import LabServer, notebook_page
from tests.browser.lab_page import check_tile_and_panel
from tests.test_package import pip

pytestmark = [pytest.mark.browser, pytest.mark.ci]
ROOT = Path(__file__).parents[2]


class InstalledLab(LabServer):
    """JupyterLab that knows of the package what its install brought, and nothing of this checkout.

    Args:
        root: The folder it serves.
        prefix: The environment with the package; what the package needs comes from this one.
    """

    def __init__(self, root: Path, prefix: Path) -> None:
        self.prefix = prefix
        self.binaries = next(path for path in (prefix / "bin", prefix / "Scripts") if path.is_dir())
        libraries = [path for path in sys.path if path.endswith("site-packages")]
        super().__init__(
            root,
            env={
                "HFFT_HOME": str(root / "home"),
                "PATH": str(self.binaries),
                "PYTHONPATH": os.pathsep.join(libraries),
                "JUPYTER_CONFIG_PATH": str(prefix / "etc/jupyter"),
            },
        )

    def _python(self) -> str:
        return str(self.binaries / "python")

    def _add_extension(self, state: Path) -> None:
        pass


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    pip("wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT))
    (wheel,) = tmp_path.glob("*.whl")
    prefix = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    binaries = next(path for path in (prefix / "bin", prefix / "Scripts") if path.is_dir())
    pip("--python", str(binaries / "python"), "install", "--no-deps", str(wheel))
    return prefix


def test_the_wheel_brings_tile_panel_and_server_part(browser: Browser, installed: Path, tmp_path: Path) -> None:
    with InstalledLab(tmp_path / "served", installed) as lab, notebook_page(browser, lab) as notebook:
        check_tile_and_panel(notebook, lab)
        where = "import hfft_widgets as hfft; assert hfft.__file__.startswith(PREFIX), hfft.__file__"
        notebook.execute(where.replace("PREFIX", repr(str(installed))))
