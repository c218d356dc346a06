"""Xet without a server: the real hf_xet keeps its chunks in a folder, and this reads files from there.

The client is told `casUrl: local://FOLDER` (hf_xet's own test storage, xet-core pull request 557).
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import JSONResponse

from .state import HubError

# Shard format: https://huggingface.co/docs/xet/shard
_HEADER = _ENTRY = 48
_LAST = b"\xff" * 32
_HAS_VERIFICATION = 0x80000000
_HAS_METADATA = 0x40000000
_DOWNLOAD = """
import sys, hf_xet
name, size, target, storage = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
with hf_xet.XetSession().new_file_download_group(
    endpoint=storage, token="none", token_expiry_unix_secs=4102444800
) as group:
    group.start_download_file(hf_xet.XetFileInfo(name, size), target)
"""


def write_token(root: Path) -> JSONResponse:
    """What the client asks for before it uploads: a storage of its own.

    Two processes that upload into the same one at the same time fail: the first locks its index.
    """
    _storages(root).mkdir(exist_ok=True)
    return _token(Path(tempfile.mkdtemp(dir=_storages(root))))


def read_token(root: Path, names: Iterable[str]) -> JSONResponse:
    """What the client asks for before it downloads files with these Xet hashes: a view of the storage of the last."""
    folder = Path(tempfile.mkdtemp(dir=root))
    found = [file for file in _shards(root) if file.name in set(names)]
    return _token(_view(found[-1].storage, folder) if found else folder)


def _storages(root: Path) -> Path:
    return root / "cas"


def _token(folder: Path) -> JSONResponse:
    expires, where, access = int(time.time()) + 3600, f"local://{folder}", "stand-in"
    headers = {
        "X-Xet-Cas-Url": where,
        "X-Xet-Access-Token": access,
        "X-Xet-Token-Expiration": str(expires),
    }
    return JSONResponse({"casUrl": where, "exp": expires, "accessToken": access}, headers=headers)


@dataclass(frozen=True)
class StoredFile:
    """One file that a client uploaded."""

    storage: Path
    name: str
    """Its Xet hash."""
    size: int
    sha256: str | None


def stored(root: Path, *, name: str | None = None, sha256: str | None = None) -> StoredFile | None:
    """The uploaded file with this Xet hash or this sha256."""
    for file in _shards(root):
        if name == file.name or (sha256 is not None and sha256 == file.sha256):
            return file
    return None


def fetch(root: Path, file: StoredFile, target: Path) -> None:
    """Write an uploaded file.

    Raises:
        HubError: 500, the storage does not give it whole.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part{threading.get_ident()}")
    with tempfile.TemporaryDirectory(dir=root) as folder:
        view = _view(file.storage, Path(folder))
        done = subprocess.run(
            [sys.executable, "-c", _DOWNLOAD, file.name, str(file.size), str(part), f"local://{view}"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    if done.returncode or not part.exists() or part.stat().st_size != file.size:  # without its index it writes nothing
        part.unlink(missing_ok=True)
        raise HubError(500, f"Reading from the Xet storage failed: {done.stderr[-400:]}")
    part.replace(target)


def _view(storage: Path, folder: Path) -> Path:
    """The storage by hard links, its index by copy: the uploading process may still hold a lock on the index."""

    def copy(source: str, target: str) -> None:
        if source.endswith(".redb"):
            shutil.copy2(source, target)
        else:
            os.link(source, target)

    view = folder / "view"
    shutil.copytree(storage, view, copy_function=copy)
    return view


def _shards(root: Path) -> Iterator[StoredFile]:
    """Every file that the shards in the storages describe, the oldest storage first."""
    for storage in sorted(_storages(root).glob("*"), key=lambda path: path.stat().st_mtime):
        for path in storage.rglob("*.mdb"):
            yield from _files(storage, path.read_bytes())


def _files(storage: Path, shard: bytes) -> Iterator[StoredFile]:
    at = _HEADER
    while at + _ENTRY <= len(shard) and shard[at : at + 32] != _LAST:
        name = _hash(shard[at : at + 32])
        flags, segments = struct.unpack("<II", shard[at + 32 : at + 40])
        at += _ENTRY
        size = sum(struct.unpack("<I", shard[at + _ENTRY * i + 36 : at + _ENTRY * i + 40])[0] for i in range(segments))
        at += _ENTRY * segments * (2 if flags & _HAS_VERIFICATION else 1)
        sha256 = _hash(shard[at : at + 32]) if flags & _HAS_METADATA else None
        at += _ENTRY if flags & _HAS_METADATA else 0
        yield StoredFile(storage, name, size, sha256)


def _hash(raw: bytes) -> str:
    """Four little-endian words of eight bytes."""
    return b"".join(raw[start : start + 8][::-1] for start in range(0, 32, 8)).hex()
