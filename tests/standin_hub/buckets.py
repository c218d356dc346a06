"""Buckets: files without history, written through Xet."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.responses import FileResponse, JSONResponse, Response

from . import xet
from .state import Ask, HubError, iso, now
from .store import safe_path

_API = re.compile(r"/api/buckets/(?P<namespace>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<verb>[^/]+)(?:/(?P<path>.*))?)?)?")
_FILE = re.compile(r"/buckets/(?P<namespace>[^/]+)/(?P<name>[^/]+)/(?P<verb>resolve)/(?P<path>.+)")
_EMPTY = "0" * 64


@dataclass
class Bucket:
    id: str
    private: bool = False
    created: str = ""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        size = sum(file["size"] for file in self.files.values())
        return {
            "id": self.id,
            "private": self.private,
            "createdAt": self.created,
            "size": size,
            "totalFiles": len(self.files),
        }


class Buckets:
    """All buckets; their files lie under `root`, so that a job can mount them."""

    def __init__(self, root: Path) -> None:
        self._root = root / "buckets"
        self.by_id: dict[str, Bucket] = {}

    def folder(self, name: str) -> Path:
        folder = self._root / safe_path(name)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def answer(ask: Ask) -> Response:
    """Any request about buckets."""
    found = _API.fullmatch(ask.raw_path) or _FILE.fullmatch(ask.raw_path)
    if found is None:
        raise HubError(404, "Not Found")
    parts = {name: unquote(part or "") for name, part in found.groupdict().items()}
    namespace = ask.user().name if parts["namespace"] == "me" else parts["namespace"]
    if not parts["name"]:
        return _listing(ask, namespace)
    name = f"{namespace}/{parts['name']}"
    if ask.method == "POST" and not parts["verb"]:
        return _create(ask, namespace, name)
    bucket = _readable(ask, name)
    handler = _VERBS.get((ask.method, parts["verb"]))
    if handler is None:
        raise HubError(404, "Not Found")
    return handler(ask, bucket, parts["path"].strip("/"))


def _readable(ask: Ask, name: str) -> Bucket:
    account, bucket = ask.account(), ask.hub.buckets.by_id.get(name)
    if bucket is None or (bucket.private and not (account and account.owns(name.partition("/")[0]))):
        raise HubError(404 if account else 401, "Bucket not found", "RepoNotFound")
    return bucket


def _listing(ask: Ask, namespace: str) -> Response:
    ask.user()
    return JSONResponse([b.facts() for name, b in ask.hub.buckets.by_id.items() if name.startswith(f"{namespace}/")])


def _create(ask: Ask, namespace: str, name: str) -> Response:
    ask.writer(namespace)
    url = f"{ask.hub.endpoint}/buckets/{name}"
    if name in ask.hub.buckets.by_id:
        raise HubError(409, "Bucket already exists", url=url)
    private = ask.json().get("visibility") == "private"
    ask.hub.buckets.by_id[name] = Bucket(safe_path(name), private, str(iso(now())))
    return JSONResponse({"url": url, "id": name})


def _info(ask: Ask, bucket: Bucket, path: str) -> Response:
    return JSONResponse(bucket.facts())


def _delete(ask: Ask, bucket: Bucket, path: str) -> Response:
    ask.writer(bucket.id.split("/")[0])
    del ask.hub.buckets.by_id[bucket.id]
    shutil.rmtree(ask.hub.buckets.folder(bucket.id))
    return JSONResponse({})


def _batch(ask: Ask, bucket: Bucket, path: str) -> Response:
    """Add files by their Xet hash, delete files; what fails is named."""
    ask.writer(bucket.id.split("/")[0])
    operations, failed = ask.lines(), []
    folder = ask.hub.buckets.folder(bucket.id)
    for one in operations:
        inner = safe_path(one["path"])
        if one["type"] == "deleteFile":
            bucket.files.pop(inner, None)
            (folder / inner).unlink(missing_ok=True)
        elif (size := _write(ask.hub.root, one["xetHash"], folder / inner)) is None:
            failed.append({"path": inner, "error": "Xet file not found"})
        else:
            bucket.files[inner] = _file(inner, size, one["xetHash"])
    done = len(operations) - len(failed)
    told = {"success": not failed, "processed": len(operations), "succeeded": done, "failed": failed}
    return JSONResponse(told, 422 if failed and not done else 200)


def _write(root: Path, name: str, target: Path) -> int | None:
    """Bytes of the uploaded file with this Xet hash, now at its place; None if it was not uploaded."""
    if name == _EMPTY:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"")
        return 0
    file = xet.stored(root, name=name)
    if file is None:
        return None
    xet.fetch(root, file, target)
    return file.size


def _file(path: str, size: int, name: str) -> dict[str, Any]:
    at = iso(now())
    return {"type": "file", "path": path, "size": size, "xetHash": name, "mtime": at, "uploadedAt": at}


def _tree(ask: Ask, bucket: Bucket, path: str) -> Response:
    return JSONResponse(
        [file for name, file in sorted(bucket.files.items()) if not path or f"{name}/".startswith(f"{path}/")]
    )


def _paths_info(ask: Ask, bucket: Bucket, path: str) -> Response:
    return JSONResponse([bucket.files[name] for name in ask.json()["paths"] if name in bucket.files])


def _write_token(ask: Ask, bucket: Bucket, path: str) -> Response:
    ask.writer(bucket.id.split("/")[0])
    return xet.write_token(ask.hub.root)


def _read_token(ask: Ask, bucket: Bucket, path: str) -> Response:
    return xet.read_token(ask.hub.root, [file["xetHash"] for file in bucket.files.values()])


def _resolve(ask: Ask, bucket: Bucket, path: str) -> Response:
    file = bucket.files.get(path)
    if file is None:
        raise HubError(404, "Entry not found", "EntryNotFound")
    headers = {
        "X-Xet-Hash": file["xetHash"],
        "X-Xet-Refresh-Route": f"{ask.hub.endpoint}/api/buckets/{bucket.id}/xet-read-token",
        "X-Linked-Size": str(file["size"]),
        "X-Linked-Etag": f'"{file["xetHash"]}"',
    }
    return FileResponse(ask.hub.buckets.folder(bucket.id) / path, headers=headers)


_VERBS: dict[tuple[str, str], Callable[[Ask, Bucket, str], Response]] = {
    ("GET", ""): _info,
    ("DELETE", ""): _delete,
    ("POST", "batch"): _batch,
    ("GET", "tree"): _tree,
    ("POST", "paths-info"): _paths_info,
    ("GET", "xet-read-token"): _read_token,
    ("GET", "xet-write-token"): _write_token,
    ("GET", "resolve"): _resolve,
    ("HEAD", "resolve"): _resolve,
}
