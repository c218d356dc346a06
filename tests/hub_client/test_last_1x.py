"""The same tests on the last 1.x of the Hub's client, whose transport raises other exceptions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.full
@pytest.mark.timeout(900)
def test_on_the_last_1x(tmp_path):
    given = os.environ.get("HFFT_HUB_1X")
    folder = Path(given) if given else tmp_path / "hub1"
    if not given:
        install = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), "huggingface_hub<2"]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"huggingface_hub 1.x cannot be installed: {done.stderr.strip()[-200:]}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    told = "import huggingface_hub; print(huggingface_hub.__version__)"
    version = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True).stdout
    assert version.startswith("1."), version
    tests = ["tests/hub_client", "tests/jobs/hf/test_launch.py", "tests/jobs/hf/test_backend.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ignore", __file__, *tests]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    print(f"\nhuggingface_hub {version.strip()}: {done.stdout.strip().splitlines()[-1]}")
