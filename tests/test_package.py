"""The wheel holds what the package reads at run time, and works where there is no checkout."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import anyio
import mcp
import pytest

pytestmark = pytest.mark.ci
ROOT = Path(__file__).parent.parent
SERVER_CONFIG = "etc/jupyter/jupyter_server_config.d/hfft_widgets.json"
USED = """
import hfft_widgets as hfft
from hfft_widgets.core.pins import pins
from hfft_widgets.core.script import runtime
report = hfft.validate([{"prompt": f"why {n}?", "completion": f"so {n}"} for n in range(9)])
print(hfft.__file__, pins("trl"), "usable_threads" in runtime("machine.threads"), "<style" in report._repr_html_())
hfft.FineTuner()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (made,) = folder.glob("*.whl")
    return made


def pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    listed = subprocess.run(["git", "ls-files", "hfft_widgets"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    assert {Path(name).name for name in tracked} >= {"style.css", "live_plot.js", "constraints.txt", "py.typed"}
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    lessons = {f"hfft_widgets/notebooks/{path.name}" for path in (ROOT / "notebooks").iterdir()}
    assert {name for name in held if ".data/" not in name} == tracked | lessons
    shared = {name.partition(".data/data/")[2] for name in held if ".data/" in name}
    page = {name.partition("/labextension/")[2] for name in tracked if "/labextension/" in name}
    assert shared == {f"share/jupyter/labextensions/hfft-widgets/{name}" for name in page} | {SERVER_CONFIG}


def test_the_line_for_agents_starts_the_server(wheel, tmp_path):
    """`claude mcp add hfft -- uvx --from 'hfft-widgets[mcp]' hfft-mcp`, as the readme has it."""
    (line,) = re.findall(r"^claude mcp add .*$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    words = shlex.split(line)
    assert words[:7] == ["claude", "mcp", "add", "hfft", "--", "uvx", "--from"]
    package, _, extra = words[7].partition("[")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert package == project["name"]
    assert extra.rstrip("]") in project["optional-dependencies"]
    site = tmp_path / "site"
    pip("install", "--no-deps", "--target", str(site), str(wheel))
    command = mcp.StdioServerParameters(
        command=sys.executable, args=[str(site / "bin" / words[8])], env=os.environ | {"PYTHONPATH": str(site)}
    )

    async def look() -> list[str]:
        async with mcp.Client(command) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert {"validate", "plan", "launch"} <= set(anyio.run(look))


def test_the_wheel_works_by_itself(wheel, tmp_path):
    pip("install", "--no-deps", "--target", str(tmp_path / "site"), str(wheel))
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", USED], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "site") in done.stdout
    assert "['trl==" in done.stdout
    assert done.stdout.rstrip().endswith("True True")


@pytest.mark.parametrize("editable", [False, True])
def test_installed_is_enabled_in_jupyterlab(wheel, tmp_path, editable):
    """Without Node, and where nothing of the package was known to Jupyter before."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    binaries = next(path for path in (environment / "bin", environment / "Scripts") if path.is_dir())
    ours = binaries / "python"
    target = ["--editable", str(ROOT)] if editable else [str(wheel)]
    options = ["--python", str(ours), "install", "--no-deps"]
    pip(*options, *target)
    alone = {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "PATH": str(binaries)}
    site = [path for path in sys.path if path.endswith("site-packages")]
    run = {**os.environ, **alone, "PYTHONPATH": os.pathsep.join(site), "HOME": str(tmp_path)}

    def said(module: str, *arguments: str) -> str:
        done = subprocess.run([ours, "-m", module, *arguments], env=run, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    assert re.search(r"hfft-widgets v0\.1\.0 .*enabled.*OK", said("jupyterlab.labextensions", "list"))
    listed = said("jupyter_server.extension.serverextension", "list")
    assert re.search(r"hfft_widgets\.lab .*enabled", listed)
    assert re.search(r"hfft_widgets\.lab.*OK", listed)
