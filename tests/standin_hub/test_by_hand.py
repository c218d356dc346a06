"""`python -m tests.standin_hub`, and uploads from several processes at once."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.standin_hub import WRITE_TOKEN, StandInHub, demo
from tests.standin_hub.contract import REPOSITORY

UPLOADS = """
import os, sys
from huggingface_hub import HfApi
api = HfApi()
api.create_repo(sys.argv[1])
for index in range(4):
    api.upload_file(path_or_fileobj=os.urandom(500_000), path_in_repo=f"{index}.bin", repo_id=sys.argv[1])
"""


def test_it_says_what_to_export_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.standin_hub", "--root", str(tmp_path), "--empty"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        settings = dict(re.findall(r"(?m)^export (\w+)=(.+)$", said))
        headers = {"authorization": f"Bearer {settings['HF_TOKEN']}"}
        assert httpx.get(f"{settings['HF_ENDPOINT']}/api/whoami-v2", headers=headers).json()["name"] == "user"
        assert settings["HFFT_DATASET_VIEWER"] == f"{settings['HF_ENDPOINT']}/datasets-server"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()


@pytest.mark.full
def test_the_demo_is_there(hub: StandInHub, sample_folders: Path) -> None:
    names = demo.fill(hub)
    assert "user/tiny-llama" in names
    client = httpx.Client(base_url=hub.endpoint, headers={"authorization": f"Bearer {WRITE_TOKEN}"}, timeout=60)
    assert client.get("/api/models/user/tiny-llama").json()["safetensors"]["total"] > 1000
    for name in names[:-2]:
        rows = client.get("/datasets-server/size", params={"dataset": name}).json()["size"]["dataset"]["num_rows"]
        assert rows > 1000
    gated = client.get("/datasets/other/python-docs-gated/resolve/main/data/test-00000-of-00001.parquet")
    assert (gated.status_code, gated.headers["x-error-code"]) == (403, "GatedRepo")


@pytest.mark.full
def test_processes_may_upload_at_the_same_time(hub: StandInHub) -> None:
    names = ["user/one", "user/two", "user/three"]
    settings = hub.environment() | {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    uploads = [subprocess.Popen([sys.executable, "-c", UPLOADS, name], env=settings) for name in names]
    assert [upload.wait(120) for upload in uploads] == [0, 0, 0]
    for name in names:
        sizes = [len(hub.read("models", name, f"{index}.bin")) for index in range(4)]
        assert sizes == [500_000] * 4
