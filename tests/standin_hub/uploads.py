"""Writing repositories: create, commit, delete; large files by LFS or Xet."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response

from . import xet
from .accounts import object_id
from .repos import Target, readable
from .state import Ask, HubError, State
from .store import KINDS, Blob, Repo, is_large, safe_path


def create(ask: Ask) -> Response:
    asked = ask.json()
    namespace = asked.get("organization") or ask.user().name
    ask.writer(namespace)
    kind, name = _kind(asked), f"{namespace}/{safe_path(asked['name'])}"
    url = f"{ask.hub.endpoint}/{'' if kind == 'models' else f'{kind}/'}{name}"
    with ask.hub.store.lock:
        if ask.hub.store.get(kind, name):
            raise HubError(409, f"You already created this {kind[:-1]} repo: {name}", url=url)
        ask.hub.store.create(kind, name, private=_private(asked))
    return JSONResponse({"url": url, "name": name, "id": object_id(f"{kind}/{name}")})


def _kind(asked: dict[str, Any]) -> str:
    kind = f"{asked.get('type') or 'model'}s"
    if kind not in KINDS:
        raise HubError(400, f"Invalid repo type {asked.get('type')!r}")
    return kind


def _private(asked: dict[str, Any]) -> bool:
    return asked.get("visibility") == "private" or asked.get("private") is True


def delete(ask: Ask) -> Response:
    asked = ask.json()
    namespace = asked.get("organization") or ask.user().name
    ask.writer(namespace)
    if ask.hub.store.repos.pop((_kind(asked), f"{namespace}/{asked['name']}"), None) is None:
        raise HubError(404, "Repository not found", "RepoNotFound")
    return JSONResponse({})


def settings(ask: Ask, at: Target) -> Response:
    repo = _writable(ask, at)
    asked = ask.json()
    if "visibility" in asked or "private" in asked:
        repo.private = _private(asked)
    if "gated" in asked:
        repo.gated = asked["gated"]
    return JSONResponse({"private": repo.private, "gated": repo.gated})


def _writable(ask: Ask, at: Target) -> Repo:
    repo = readable(ask.hub, ask.account(), at.kind, at.id)
    ask.writer(repo.namespace)
    return repo


def branch(ask: Ask, at: Target) -> Response:
    return _refer(ask, at, "branches")


def tag(ask: Ask, at: Target) -> Response:
    return _refer(ask, at, "tags")


def _refer(ask: Ask, at: Target, plural: str) -> Response:
    """Make or delete a branch (named in the address) or a tag (named in the body, on the revision in the address)."""
    repo = _writable(ask, at)
    named: dict[str, str] = getattr(repo, plural)
    if ask.method == "DELETE":
        if named.pop(at.revision, None) is None:
            raise HubError(404, "Reference not found", "RevisionNotFound")
        return JSONResponse({})
    asked = ask.json()
    name, start = (asked["tag"], at.revision) if plural == "tags" else (at.revision, asked.get("startingPoint", "main"))
    if name in named:
        raise HubError(409, f"Reference already exists: {name}")
    named[name] = repo.at(start).id
    return JSONResponse({})


def preupload(ask: Ask, at: Target) -> Response:
    """Which of these files go beside git."""
    repo = _writable(ask, at)
    known = repo.at(at.revision).files
    told = []
    for file in ask.json()["files"]:
        path = safe_path(file["path"])
        mode = "lfs" if is_large(path, file["size"]) else "regular"
        entry = {"path": path, "uploadMode": mode, "shouldIgnore": False}
        if blob := known.get(path):
            entry["oid"] = blob.sha256 if blob.lfs else blob.oid
        told.append(entry)
    return JSONResponse({"files": told, "commitOid": repo.at(at.revision).id})


def commit(ask: Ask, at: Target) -> Response:
    """One commit from lines of JSON: a header, then files, large files by name, deletions."""
    repo = _writable(ask, at)
    if ask.query.get("create_pr"):
        raise HubError(501, "The stand-in has no pull requests")
    lines = ask.lines()
    header = next((line["value"] for line in lines if line["key"] == "header"), None)
    if header is None:
        raise HubError(400, "A commit needs a header")
    changes = [line for line in lines if line["key"] != "header"]
    content = {line["value"]["oid"]: _large(ask.hub, line["value"]) for line in changes if line["key"] == "lfsFile"}
    with ask.hub.store.lock:
        parent = repo.at(at.revision)
        asked = header.get("parentCommit")
        if asked and not parent.id.startswith(asked):
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        files = dict(parent.files)
        for line in changes:
            _apply(ask.hub, files, line["key"], line["value"], content)
        unchanged = files == parent.files
        made = parent if unchanged else repo.add(files, header.get("summary", ""), _branch(repo, at.revision))
    prefix = "" if repo.kind == "models" else f"{repo.kind}/"
    url = f"{ask.hub.endpoint}/{prefix}{repo.id}/commit/{made.id}"
    return JSONResponse({"success": True, "commitOid": made.id, "commitUrl": url, "hookOutput": ""})


def _branch(repo: Repo, revision: str) -> str:
    short = revision.removeprefix("refs/heads/")
    if short not in repo.branches:
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return short


def _large(hub: State, value: dict[str, Any]) -> Blob:
    """A content that was uploaded before, by LFS or Xet."""
    oid = value["oid"]
    target = hub.store.content(oid)
    if not target.exists():
        file = xet.stored(hub.root, sha256=oid)
        if file is None:
            raise HubError(400, f"LFS object {oid} was not uploaded")
        xet.fetch(hub.root, file, target)
    return hub.store.adopt(value["path"], oid)


def _apply(hub: State, files: dict[str, Blob], key: str, value: dict[str, Any], content: dict[str, Blob]) -> None:
    path = safe_path(value["path"])
    if key == "file":
        files[path] = hub.store.put(path, base64.b64decode(value["content"]))
    elif key == "lfsFile":
        files[path] = content[value["oid"]]
    elif key == "deletedFile":
        if files.pop(path, None) is None:
            raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
    elif key == "deletedFolder":
        inside = [name for name in files if name.startswith(f"{path.rstrip('/')}/")]
        if not inside:
            raise HubError(404, "A folder with this name doesn't exist", "EntryNotFound")
        for name in inside:
            del files[name]
    else:
        raise HubError(400, f"The stand-in does not know the operation {key!r}")


def lfs_batch(ask: Ask) -> Response:
    """Where to send the large files (used when the client's Xet is off)."""
    ask.user()
    objects = []
    for one in ask.json()["objects"]:
        entry = {"oid": one["oid"], "size": one["size"]}
        if not ask.hub.store.content(one["oid"]).exists():
            start = ask.hub.endpoint
            upload, verify = f"{start}/_lfs/{one['oid']}", f"{start}/_lfs_verify/{one['oid']}"
            entry["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
        objects.append(entry)
    return JSONResponse({"transfer": "basic", "objects": objects})


def lfs_put(ask: Ask, oid: str) -> Response:
    if hashlib.sha256(ask.body).hexdigest() != oid:
        raise HubError(400, "The content does not have this sha256")
    ask.hub.store.content(oid).write_bytes(ask.body)
    return Response()


def lfs_verify(ask: Ask, oid: str) -> Response:
    if not ask.hub.store.content(oid).exists():
        raise HubError(404, "Not uploaded")
    return JSONResponse({})


def xet_token(ask: Ask, at: Target) -> Response:
    """For writing only: without X-Xet-Hash the clients download over plain HTTP."""
    _writable(ask, at)
    return xet.write_token(ask.hub.root)


WRITERS: dict[tuple[str, str], Callable[[Ask, Target], Response]] = {
    ("POST", "preupload"): preupload,
    ("POST", "commit"): commit,
    ("PUT", "settings"): settings,
    ("POST", "branch"): branch,
    ("DELETE", "branch"): branch,
    ("POST", "tag"): tag,
    ("DELETE", "tag"): tag,
    ("GET", "xet-write-token"): xet_token,
}
