"""Reading repositories: facts, trees, files by range, references."""

from __future__ import annotations

import json
import mimetypes
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, unquote

import yaml
from starlette.responses import JSONResponse, Response, StreamingResponse

from .accounts import Account, object_id
from .state import Ask, HubError, State, iso
from .store import KINDS, PARQUET, Blob, Commit, Repo

VERBS = "revision|tree|paths-info|refs|commits|preupload|commit|auth-check|branch|tag|settings|xet-write-token"
_ID = r"[^/]+(?:/[^/]+)??"
_API = re.compile(rf"/api/(?P<kind>{'|'.join(KINDS)})/(?P<id>{_ID})(?:/(?P<verb>{VERBS})(?:/(?P<rest>.*))?)?")
_FILE = re.compile(rf"/(?:(?P<kind>datasets|spaces)/)?(?P<id>{_ID})/resolve/(?P<rest>.+)")


@dataclass(frozen=True)
class Target:
    """What a repository's address asks for."""

    kind: str
    id: str
    verb: str
    parts: tuple[str, ...]
    """What follows the verb, unquoted after splitting: a revision may hold a slash."""

    @property
    def revision(self) -> str:
        return self.parts[0] if self.parts else "main"

    @property
    def path(self) -> str:
        return "/".join(self.parts[1:]).strip("/")

    @property
    def namespace(self) -> str:
        return self.id.split("/")[0]


def target(raw_path: str) -> Target:
    """Read a repository's address.

    Raises:
        HubError: 404, it is none.
    """
    found = _API.fullmatch(raw_path) or _FILE.fullmatch(raw_path)
    if found is None:
        raise HubError(404, "Not Found")
    groups = found.groupdict()
    verb = "resolve" if found.re is _FILE else groups["verb"] or "info"
    parts = tuple(unquote(part) for part in (groups["rest"] or "").split("/") if part)
    return Target(groups["kind"] or "models", unquote(groups["id"]), verb, parts)


def readable(hub: State, account: Account | None, kind: str, name: str) -> Repo:
    """The repository, if this account may know of it.

    Raises:
        HubError: 401 without a token, 404 with one: the Hub tells nobody which of missing and private it is.
    """
    repo = hub.store.get(kind, name)
    hidden = repo is not None and repo.private and not (account and account.owns(repo.namespace))
    if repo is None or hidden:
        raise HubError(404 if account else 401, "Repository not found", "RepoNotFound")
    return repo


def check_gate(repo: Repo, account: Account | None) -> None:
    """403 (401 without a token) for who was not let in to a gated repository."""
    if not repo.gated or (account and (account.owns(repo.namespace) or account.name in repo.allowed)):
        return
    word = {"models": "model", "datasets": "dataset"}.get(repo.kind, "space")
    raise HubError(
        403 if account else 401,
        f"Access to {word} {repo.id} is restricted and you are not in the authorized list. "
        f"Visit https://huggingface.co/{repo.id} to ask for access.",
        "GatedRepo",
    )


def listing(ask: Ask) -> Response:
    """GET /api/models and /api/datasets."""
    kind = ask.path.rsplit("/", 1)[1]
    account = ask.account()
    wanted, author = ask.query.get("search", "").lower(), ask.query.get("author")
    found = []
    for repo in ask.hub.store.repos.values():
        hidden = repo.private and not (account and account.owns(repo.namespace))
        fits = repo.kind == kind and wanted in repo.id.lower() and author in (None, repo.namespace)
        if fits and not hidden:
            found.append(facts(ask.hub, repo, repo.at()))
    return JSONResponse(found[: int(ask.query.get("limit", 1000))])


def info(ask: Ask, at: Target) -> Response:
    repo = readable(ask.hub, ask.account(), at.kind, at.id)
    told = facts(ask.hub, repo, repo.at(at.revision), blobs=bool(ask.query.get("blobs")))
    if chosen := ask.query.getlist("expand"):
        told = {name: value for name, value in told.items() if name in {*chosen, "_id", "id"}}
    return JSONResponse(told)


def facts(hub: State, repo: Repo, commit: Commit, *, blobs: bool = False) -> dict[str, Any]:
    """What the Hub tells about a repository."""
    card = _card(hub, commit)
    told: dict[str, Any] = {
        "_id": object_id(f"{repo.kind}/{repo.id}"),
        "id": repo.id,
        "author": repo.namespace if "/" in repo.id else None,
        "sha": commit.id,
        "lastModified": iso(commit.at),
        "createdAt": iso(repo.commits[0].at),
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [*(card.get("tags") or ()), *([f"license:{card['license']}"] if card.get("license") else ())],
        "cardData": card or None,
        "siblings": [_sibling(path, blob, blobs) for path, blob in sorted(commit.files.items())],
        "usedStorage": sum(blob.size for blob in commit.files.values()),
    }
    return told | _model_facts(hub, repo, commit, card) if repo.kind == "models" else told


def _model_facts(hub: State, repo: Repo, commit: Commit, card: dict[str, Any]) -> dict[str, Any]:
    config = _json(hub, commit, "config.json")
    transformers = bool(config)
    told: dict[str, Any] = {
        "modelId": repo.id,
        "library_name": card.get("library_name", "transformers" if transformers else None),
        "pipeline_tag": card.get("pipeline_tag", "text-generation" if transformers else None),
        "spaces": [],
    }
    if transformers:
        told["config"] = {
            "architectures": config.get("architectures"),
            "model_type": config.get("model_type"),
            "tokenizer_config": _tokenizer(hub, commit),
        }
        told["transformersInfo"] = {"auto_model": "AutoModelForCausalLM", "processor": "AutoTokenizer"}
    if parameters := _parameters(hub, commit):
        told["safetensors"] = {"parameters": parameters, "total": sum(parameters.values())}
    return told


def _tokenizer(hub: State, commit: Commit) -> dict[str, Any]:
    config = _json(hub, commit, "tokenizer_config.json")
    if blob := commit.files.get("chat_template.jinja"):
        config["chat_template"] = hub.store.content(blob.sha256).read_text("utf-8")
    return {name: config[name] for name in ("bos_token", "eos_token", "pad_token", "chat_template") if name in config}


def _json(hub: State, commit: Commit, path: str) -> dict[str, Any]:
    blob = commit.files.get(path)
    if blob is None:
        return {}
    try:
        value = json.loads(hub.store.content(blob.sha256).read_bytes())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _card(hub: State, commit: Commit) -> dict[str, Any]:
    """The YAML block at the start of README.md."""
    blob = commit.files.get("README.md")
    text = hub.store.content(blob.sha256).read_text("utf-8", "replace") if blob else ""
    found = re.match(r"---\s*\n(.*?)\n---", text, re.DOTALL)
    try:
        card = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError:
        return {}
    return card if isinstance(card, dict) else {}


def _parameters(hub: State, commit: Commit) -> dict[str, int]:
    """Number of parameters per dtype, from the headers of the safetensors files."""
    total: dict[str, int] = {}
    for path, blob in commit.files.items():
        if path.endswith(".safetensors"):
            for dtype, count in _tensors(hub, blob):
                total[dtype] = total.get(dtype, 0) + count
    return total


def _tensors(hub: State, blob: Blob) -> Iterator[tuple[str, int]]:
    """The format: 8 bytes of header length, then the header as JSON."""
    with hub.store.content(blob.sha256).open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        try:
            header = json.loads(file.read(length)) if 0 < length < 25_000_000 else {}
        except ValueError:
            return
    for name, tensor in header.items():
        if name != "__metadata__":
            count = 1
            for size in tensor["shape"]:
                count *= size
            yield tensor["dtype"], count


def _sibling(path: str, blob: Blob, blobs: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"rfilename": path}
    if blobs:
        told |= {"size": blob.size, "blobId": blob.oid}
    if blobs and blob.lfs:
        told["lfs"] = {"sha256": blob.sha256, "size": blob.size, "pointerSize": len(blob.pointer)}
    return told


def tree(ask: Ask, at: Target) -> Response:
    commit = readable(ask.hub, ask.account(), at.kind, at.id).at(at.revision)
    deep = ask.query.get("recursive", "").lower() in ("true", "1")
    start = f"{at.path}/" if at.path else ""
    inside = [path for path in sorted(commit.files) if path.startswith(start)]
    if at.path and not inside:
        raise HubError(404, f"{at.path} does not exist on {at.revision}", "EntryNotFound")
    folders = {start + folder for path in inside for folder in _folders(path[len(start) :], deep)}
    files = [path for path in inside if deep or "/" not in path[len(start) :]]
    return JSONResponse([*map(_folder, sorted(folders)), *(_file(path, commit.files[path]) for path in files)])


def _folders(path: str, deep: bool) -> list[str]:
    names = path.split("/")[:-1]
    return ["/".join(names[: index + 1]) for index in range(len(names) if deep else min(1, len(names)))]


def _file(path: str, blob: Blob) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "file", "oid": blob.oid, "size": blob.size, "path": path}
    if blob.lfs:
        told["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": len(blob.pointer)}
    return told


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "oid": object_id(path), "size": 0, "path": path}


def paths_info(ask: Ask, at: Target) -> Response:
    files = readable(ask.hub, ask.account(), at.kind, at.id).at(at.revision).files
    found = []
    for path in _asked_paths(ask):
        if path in files:
            found.append(_file(path, files[path]))
        elif any(name.startswith(f"{path.rstrip('/')}/") for name in files):
            found.append(_folder(path.rstrip("/")))
    return JSONResponse(found)


def _asked_paths(ask: Ask) -> list[str]:
    """Some clients send a form, some JSON."""
    if "json" not in ask.headers.get("content-type", ""):
        return [value for name, value in parse_qsl(ask.body.decode()) if name == "paths"]
    paths = ask.json().get("paths", [])
    return [paths] if isinstance(paths, str) else list(paths)


def refs(ask: Ask, at: Target) -> Response:
    repo = readable(ask.hub, ask.account(), at.kind, at.id)
    kinds = {"branches": ("refs/heads", repo.branches), "tags": ("refs/tags", repo.tags)}
    told: dict[str, Any] = {
        plural: [{"name": name, "ref": f"{start}/{name}", "targetCommit": commit} for name, commit in named.items()]
        for plural, (start, named) in kinds.items()
    }
    return JSONResponse(told | {"converts": [], "pullRequests": []})


def commits(ask: Ask, at: Target) -> Response:
    repo = readable(ask.hub, ask.account(), at.kind, at.id)
    authors = [{"user": repo.namespace}]
    return JSONResponse(
        [
            {"id": commit.id, "title": commit.title, "message": "", "authors": authors, "date": iso(commit.at)}
            for commit in repo.history(at.revision)
        ]
    )


def auth_check(ask: Ask, at: Target) -> Response:
    account = ask.account()
    repo = readable(ask.hub, account, at.kind, at.id)
    check_gate(repo, account)
    if at.parts == ("write",):
        ask.writer(repo.namespace)
    return JSONResponse({})


def resolve(ask: Ask, at: Target) -> Response:
    """A file's content, whole or by range; HEAD tells its size and name."""
    account = ask.account()
    repo = readable(ask.hub, account, at.kind, at.id)
    check_gate(repo, account)
    if repo.kind == "datasets" and at.revision == PARQUET:
        return _content(ask, "0000.parquet", ask.hub.viewer.parquet_blob(repo, at.parts[1:]), repo.at().id)
    commit = repo.at(at.revision)
    blob = commit.files.get(at.path)
    if blob is None:
        raise HubError(404, "Entry not found", "EntryNotFound", {"X-Repo-Commit": commit.id})
    return _content(ask, at.path, blob, commit.id)


def _content(ask: Ask, path: str, blob: Blob, commit: str) -> Response:
    start, stop, status = _range(ask.headers.get("range", ""), blob.size)
    headers = {
        "ETag": f'"{blob.sha256 if blob.lfs else blob.oid}"',
        "X-Repo-Commit": commit,
        "Accept-Ranges": "bytes",
        "Content-Type": mimetypes.guess_type(path)[0] or "application/octet-stream",
        "Content-Length": str(stop - start),
        "Content-Disposition": f'inline; filename="{PurePosixPath(path).name.encode("ascii", "replace").decode()}"',
    }
    if blob.lfs:
        headers |= {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(blob.size)}
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.size}"
    if ask.method == "HEAD":
        return Response(status_code=status, headers=headers)
    file = ask.hub.store.content(blob.sha256)

    def chunks() -> Iterator[bytes]:
        with file.open("rb") as opened:
            opened.seek(start)
            for begin in range(start, stop, 1 << 20):
                yield opened.read(min(1 << 20, stop - begin))

    return StreamingResponse(chunks(), status_code=status, headers=headers)


def _range(header: str, size: int) -> tuple[int, int, int]:
    """First byte, the one after the last, and the status."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    if not found or found.groups() == ("", ""):
        return 0, size, 200
    if not found[1]:
        return max(0, size - int(found[2])), size, 206
    start = int(found[1])
    if start >= size:
        raise HubError(416, "Range not satisfiable", headers={"Content-Range": f"bytes */{size}"})
    return start, min(int(found[2] or size - 1) + 1, size), 206


READERS: dict[tuple[str, str], Callable[[Ask, Target], Response]] = {
    ("GET", "info"): info,
    ("GET", "revision"): info,
    ("GET", "tree"): tree,
    ("POST", "paths-info"): paths_info,
    ("GET", "refs"): refs,
    ("GET", "commits"): commits,
    ("GET", "auth-check"): auth_check,
    ("GET", "resolve"): resolve,
    ("HEAD", "resolve"): resolve,
}
