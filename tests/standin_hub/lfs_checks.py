"""Uploads without Xet: HF_HUB_DISABLE_XET=1. Run by test_contract.py, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi, constants

API = HfApi()


def check_lfs(folder: Path) -> None:
    assert constants.HF_HUB_DISABLE_XET
    content = bytes(range(256)) * 2000
    (folder / "lfs").mkdir()
    (folder / "lfs" / "model.safetensors").write_bytes(content)
    API.create_repo("user/by-lfs")
    API.upload_folder(repo_id="user/by-lfs", folder_path=folder / "lfs")
    assert Path(API.hf_hub_download("user/by-lfs", "model.safetensors")).read_bytes() == content
    API.upload_file(path_or_fileobj=content, path_in_repo="again.bin", repo_id="user/by-lfs")
    assert Path(API.hf_hub_download("user/by-lfs", "again.bin")).read_bytes() == content
