"""Repositories as the Hub keeps them: files by content, commits, branches and tags."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from .state import HubError, now

KINDS = ("models", "datasets", "spaces")
PARQUET = "refs/convert/parquet"
TEXT = {".py", ".md", ".txt", ".json", ".yaml", ".yml", ".csv", ".jsonl", ".jinja", ".toml", ".cfg", ""}
LARGE_BYTES = 10_000_000


@dataclass(frozen=True)
class Blob:
    """One file's content."""

    sha256: str
    size: int
    git_oid: str
    lfs: bool

    @property
    def oid(self) -> str:
        """The git object: of the file, or of the pointer that stands for it."""
        return _git_oid(self.pointer) if self.lfs else self.git_oid

    @property
    def pointer(self) -> bytes:
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()


@dataclass(frozen=True)
class Commit:
    """One state of a repository."""

    id: str
    title: str
    files: Mapping[str, Blob]
    at: datetime


@dataclass
class Repo:
    """One repository."""

    kind: str
    id: str
    private: bool = False
    gated: str | bool = False
    """False, "auto" or "manual"."""
    allowed: set[str] = field(default_factory=set)
    """Users who were let in to a gated repository."""
    commits: list[Commit] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.id.split("/")[0]

    def add(self, files: Mapping[str, Blob], title: str, branch: str = "main") -> Commit:
        """A new commit on the branch, which is made if need be."""
        parent = self.branches.get(branch, "")
        content = "".join(f"{path}:{blob.sha256}\n" for path, blob in sorted(files.items()))
        name = hashlib.sha1(f"{self.kind}/{self.id} {len(self.commits)} {parent}\n{content}".encode()).hexdigest()
        commit = Commit(name, title, dict(files), now())
        self.commits.append(commit)
        self.branches[branch] = name
        return commit

    def at(self, revision: str = "main") -> Commit:
        """The commit that a branch, a tag or a commit id names.

        Raises:
            HubError: 404 RevisionNotFound.
        """
        short = revision.removeprefix("refs/heads/")
        name = self.branches.get(short) or self.tags.get(short) or revision
        for commit in reversed(self.commits):
            if commit.id == name or (len(name) >= 7 and commit.id.startswith(name)):
                return commit
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def history(self, revision: str) -> list[Commit]:
        """Newest first."""
        last = self.commits.index(self.at(revision))
        return self.commits[last::-1]


class Store:
    """All repositories, and the content of their files under `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blobs = root / "blobs"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self.repos: dict[tuple[str, str], Repo] = {}
        self.lock = threading.RLock()
        """Held while a commit is made or a repository appears."""

    def get(self, kind: str, name: str) -> Repo | None:
        return self.repos.get((kind, name))

    def create(self, kind: str, name: str, **settings: object) -> Repo:
        """An empty repository with its first commit; the one that exists, changed by the settings, if there is one."""
        with self.lock:
            repo = self.repos.get((kind, name))
            if repo is None:
                repo = self.repos[kind, name] = Repo(kind, name)
                first = self.put(".gitattributes", b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
                repo.add({".gitattributes": first}, "initial commit")
        for key, value in settings.items():
            setattr(repo, key, value)
        return repo

    def put(self, path: str, content: bytes) -> Blob:
        """Keep a file's content; whether it counts as large follows from its name and size."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.content(sha256)
        if not target.exists():
            _write(target, content)
        return Blob(sha256, len(content), _git_oid(content), is_large(path, len(content)))

    def adopt(self, path: str, sha256: str) -> Blob:
        """The blob of a content that was uploaded before the commit that names it."""
        return self.put(path, self.content(sha256).read_bytes())

    def content(self, sha256: str) -> Path:
        """The file that holds a content, which may not be there."""
        return self._blobs / sha256

    def add_folder(self, kind: str, name: str, folder: Path, title: str = "Upload folder") -> Repo:
        """All files of a folder on this machine as one commit."""
        repo = self.create(kind, name)
        files = {inner: self.put(inner, path.read_bytes()) for inner, path in _walk(folder)}
        with self.lock:
            repo.add({**repo.at().files, **files}, title)
        return repo

    def view(self, repo: Repo, revision: str = "main") -> Path:
        """A folder with the files of one revision, by hard links where the disk has them. Do not write there."""
        commit = repo.at(revision)
        folder = self._root / "views" / repo.kind / repo.id / commit.id
        with self.lock:
            if not folder.is_dir():
                for path, blob in commit.files.items():
                    target = folder / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _link(self.content(blob.sha256), target)
                folder.mkdir(parents=True, exist_ok=True)
        return folder


def is_large(path: str, size: int) -> bool:
    """Whether the Hub keeps a file with this name and size outside git."""
    name = PurePosixPath(path).name
    return size > LARGE_BYTES or (PurePosixPath(path).suffix.lower() not in TEXT and not name.startswith("."))


def safe_path(path: str) -> str:
    """A path inside a repository.

    Raises:
        HubError: 400, it leads outside.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise HubError(400, f"Invalid path: {path!r}")
    return path


def _git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _write(target: Path, content: bytes) -> None:
    """Never half a file under its final name."""
    part = target.with_name(f"{target.name}.{threading.get_ident()}")
    part.write_bytes(content)
    part.replace(target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder).as_posix()
        if path.is_file() and not inner.startswith((".git/", ".cache/")):
            yield inner, path
