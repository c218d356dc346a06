"""Binder's files in a fresh environment with what its image brings, on one CPU, under its memory limit.

What runs is exactly what those files say; Binder itself never ran them.
`python -m pytest -m full -n 0 -s tests/test_binder.py` prints the figures.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from hfft_widgets.core import pins
from tests.drift import installed_in

ROOT = Path(__file__).parents[1]
IMAGE = Path(__file__).with_name("binder_image.txt")
MEMORY_BYTES = 2 * 2**30
LESSONS = ("0_quickstart", "1_data", "2_plan")
GROUPS = Path("/sys/fs/cgroup")


def test_it_leaves_to_binders_image_what_belongs_together():
    """Constraints only choose versions of what is asked for: nobody asks for JupyterLab, Notebook or their server."""
    built = (ROOT / "binder" / "postBuild").read_text("utf-8")
    extras = re.findall(r'"\.\[(.*)\]"', built)
    assert extras == ["train,gguf"]
    for name in ("start", "postBuild"):
        assert os.access(ROOT / "binder" / name, os.X_OK)


def test_start_sets_threads_and_runs_what_it_is_given():
    show = 'import os; print(os.environ["OMP_NUM_THREADS"], os.environ["HFFT_THREADS"])'
    said = subprocess.run([ROOT / "binder" / "start", sys.executable, "-c", show], capture_output=True, text=True)
    assert said.stdout.split() == ["1", "1"]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The repository as Binder checks it out, and the environment that its files make there."""
    folder = tmp_path_factory.mktemp("binder")
    checkout, environment = folder / "repository", folder / "environment"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)
    python = (ROOT / "binder" / "runtime.txt").read_text("utf-8").strip().replace("-", "")
    own = shutil.which(python) or (sys.executable if python == f"python3.{sys.version_info.minor}" else None)
    if own is None:
        pytest.skip(f"no {python} here")
    subprocess.run([own, "-m", "venv", str(environment)], check=True)
    run(environment, checkout, "pip", "install", "--quiet", "-r", str(IMAGE))
    before = installed_in(environment / "bin" / "python")
    run(environment, checkout, "binder/postBuild")
    kept = {line.partition("==")[0]: line.partition("==")[2] for line in lines_of_image()}
    after = installed_in(environment / "bin" / "python")
    for name in ("notebook", "jupyterlab", "jupyter-server", "ipykernel", "jupyterhub"):
        assert after[name] == before[name] == kept[name.replace("-", "_") if name == "jupyter-server" else name]
    yield checkout, environment
    shutil.rmtree(folder)


def lines_of_image() -> list[str]:
    return [line for line in IMAGE.read_text("utf-8").splitlines() if line and not line.startswith("#")]


def run(environment: Path, folder: Path, *command: str, **more: str) -> str:
    """One command of the environment, as a shell there would find it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HF_", "HFFT", "OMP"))}
    own |= {"PATH": f"{environment / 'bin'}:/usr/bin:/bin", "HOME": str(folder.parent), **more}
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_every_version_is_the_tested_one(image):
    checkout, environment = image
    run(environment, checkout, "pip", "check")
    tested = {canonicalize_name(name): version for name, version in pins.versions().items()}
    here = installed_in(environment / "bin" / "python")
    of_image = {canonicalize_name(line.partition("==")[0]) for line in lines_of_image()}
    needed = set(run(environment, checkout, "python", "-c", NEEDS).split())
    other = {name: (here[name], tested.get(name)) for name in needed - of_image if here[name] != tested.get(name)}
    assert needed > {"torch", "trl", "mpmath", "networkx", "sympy"}
    assert other == {}


NEEDS = """
from importlib.metadata import requires, PackageNotFoundError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
found, asked = set(), [("hfft-widgets", ("train", "gguf"))]
while asked:
    name, extras = asked.pop()
    for text in requires(name) or ():
        wanted = Requirement(text)
        given = [{"extra": extra} for extra in (*extras, "")]
        if wanted.marker is None or any(wanted.marker.evaluate(one) for one in given):
            one = canonicalize_name(wanted.name)
            if one not in found and one != "hfft-widgets":
                found.add(one)
                asked.append((one, tuple(wanted.extras)))
print(*sorted(found))
"""


@contextmanager
def memory_limit(environment: Path) -> Iterator[tuple[list[str], Path]]:
    """A control group of 2 GB: what begins a command in it, and its folder; skipped where none can be made."""
    for root, limit in ((GROUPS / "memory", "memory.limit_in_bytes"), (GROUPS, "memory.max")):
        folder = root / f"hfft-binder-{os.getpid()}"
        if not (root / "cgroup.procs").exists():
            continue
        try:
            folder.mkdir()
            (folder / limit).write_text(str(MEMORY_BYTES))
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            continue
        enter = f'import os, sys; open("{folder}/cgroup.procs", "w").write(str(os.getpid())); os.sched_setaffinity(0, '
        enter += "[min(os.sched_getaffinity(0))]); os.execvp(sys.argv[1], sys.argv[1:])"
        try:
            yield [str(environment / "bin" / "python"), "-c", enter, "binder/start"], folder
        finally:
            for _ in range(100):
                with suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.2)
        return
    pytest.skip("no control group can be made here: Linux and root are needed")


def peak_bytes(folder: Path) -> int:
    name = next(name for name in ("memory.max_usage_in_bytes", "memory.peak") if (folder / name).exists())
    return int((folder / name).read_text())


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_the_lessons_run_on_one_cpu_and_2_gb(image):
    """One after the other, beside a server, each kernel ended before the next begins: as the settings end idle ones."""
    checkout, environment = image
    with memory_limit(environment) as (enter, group):
        port = "18765"
        own = {**os.environ, "PATH": f"{environment / 'bin'}:/usr/bin:/bin", "HOME": str(checkout.parent)}
        options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=t", "--allow-root"]
        server = subprocess.Popen([*enter, "jupyter", "notebook", *options], cwd=checkout, env=own,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            seconds = {}
            for lesson in LESSONS:
                began = time.monotonic()
                words = (
                    "jupyter",
                    "nbconvert",
                    "--to",
                    "notebook",
                    "--execute",
                    "--stdout",
                    f"notebooks/{lesson}.ipynb",
                )
                run(environment, checkout, *enter, *words, HF_HUB_OFFLINE="1")
                seconds[lesson] = time.monotonic() - began
            tree = run(environment, checkout, "python", "-c", LOOK.format(port=port))
            assert "hfft-widgets" in tree  # the page of `urlpath=tree` has the extension
            figures = {"peak_gb": peak_bytes(group) / 2**30, "seconds": seconds, "killed": killed(group)}
            print(json.dumps(figures))
            assert figures["killed"] == 0
        finally:
            server.terminate()
            server.wait(30)


def killed(group: Path) -> int:
    """How often the system ended a process for want of memory."""
    for name in ("memory.oom_control", "memory.events"):
        with suppress(OSError):
            found = re.search(r"^oom_kill (\d+)$", (group / name).read_text(), re.MULTILINE)
            return int(found[1]) if found else 0
    return 0


LOOK = """
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:{port}/tree?token=t", timeout=60).read().decode())
"""
