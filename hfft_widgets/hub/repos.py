"""Repositories on the Hub: may this account write, read, and what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets.hub import session
from hfft_widgets.hub.outcomes import HubRefusedError

if TYPE_CHECKING:
    from hfft_widgets.hub.account import Account
    from hfft_widgets.hub.token import Token

UPLOADED = "hfft-upload"  # the tag of datasets that this package uploaded: nothing else is changed or deleted
UPLOADED_FILE = "data/train-00000-of-00001.parquet"
_CARD = f"""---
tags:
- {UPLOADED}
---
Uploaded from a person's machine for a training on Hugging Face Jobs, by hfft_widgets.
"""


@dataclass(frozen=True)
class RepoFile:
    """One file of a repository."""

    path: str
    size_bytes: int


@dataclass(frozen=True)
class Pushed:
    """What a repository holds.

    Attributes:
        repo_id: The repository.
        commit: Its newest commit, "" if it has none.
        files: Its files.
        private: Whether only its owner can see it.
        checkpoint: Whether the last checkpoint is there, from which a training can go on.
    """

    repo_id: str
    commit: str
    files: tuple[RepoFile, ...]
    private: bool = True

    @property
    def checkpoint(self) -> bool:
        """Whether a whole checkpoint is there: its trainer_state.json is written last."""
        return any(file.path == "last-checkpoint/trainer_state.json" for file in self.files)

    @property
    def holds_something(self) -> bool:
        """Whether there is more than the Hub itself puts into a new repository."""
        return any(file.path != ".gitattributes" for file in self.files)

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)


def search(token: Token | None, kind: str, text: str, *, most: int) -> list[str]:
    """Names that hold a text: of the account's own repositories first, then the most downloaded.

    Args:
        token: The account's; None: only what is public is found.
        kind: "model" or "dataset".
        text: What the names hold.
        most: How many of each.

    Raises:
        HubError: The Hub cannot be asked.
    """
    from hfft_widgets.hub.account import account

    own = account(token).name if token else ""
    with session.client(token, "search the Hub") as api:
        listed = api.list_models if kind == "model" else api.list_datasets
        asked = [{"author": own}] if own else []
        found = [listed(search=text, limit=most, sort="downloads", **one) for one in (*asked, {})]
        return list(dict.fromkeys(str(repo.id) for repos in found for repo in repos))


def create_model_repo(token: Token, repo_id: str, *, private: bool = True) -> None:
    """Make a model repository, private by default; one that exists stays as it is.

    Raises:
        HubError: It cannot be made.
    """
    with session.client(token, f"make the repository {repo_id}") as api:
        api.create_repo(repo_id, private=private, exist_ok=True)


def delete_model_repo(token: Token, repo_id: str) -> None:
    """Delete a model repository; one that is not there stays away. Raises HubError."""
    with session.client(token, f"delete the repository {repo_id}") as api:
        api.delete_repo(repo_id, missing_ok=True)


def upload_dataset(token: Token, repo_id: str, file: Path, progress: Callable[[int, int], None] | None = None) -> str:
    """Put one Parquet file into a private dataset repository, made for it or by an earlier upload.

    Args:
        token: Of who owns the repository.
        repo_id: The repository.
        file: The rows.
        progress: Called with (bytes uploaded, all bytes); what it raises ends the upload, before it can be seen.

    Returns:
        The commit, by which exactly these rows are found.

    Raises:
        HubError: The repository is public, holds something else, or cannot be written.
    """
    from huggingface_hub import CommitOperationAdd

    check_uploadable(token, repo_id)
    size = file.stat().st_size
    with session.client(token, f"upload to {repo_id}") as api, session.quiet():
        api.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
        _check_private(token, repo_id)  # of the Hub's own word, before anything is sent
        added = [CommitOperationAdd("README.md", _CARD.encode()), CommitOperationAdd(UPLOADED_FILE, file)]
        if progress:
            progress(0, size)
        api.preupload_lfs_files(repo_id, added, repo_type="dataset")
        if progress:
            progress(size, size)
        return str(api.create_commit(repo_id, added, commit_message="Upload the rows", repo_type="dataset").oid)


def delete_upload(token: Token, repo_id: str) -> None:
    """Delete a dataset that was uploaded by this package; one that is not there stays away.

    Raises:
        HubError: It holds something else, or cannot be deleted.
    """
    info = _info(token, "dataset", repo_id)
    if info is None:
        return
    _check_uploaded(repo_id, info)
    with session.client(token, f"delete the dataset {repo_id}") as api:
        api.delete_repo(repo_id, repo_type="dataset", missing_ok=True)


def check_uploadable(token: Token, repo_id: str) -> None:
    """Whether an upload can go there: to a new repository, or to a private one of an earlier upload.

    Raises:
        HubError: It cannot.
    """
    info = _info(token, "dataset", repo_id)
    if info is not None:
        _check_uploaded(repo_id, info)
        _check_private(token, repo_id)


def _check_uploaded(repo_id: str, info: Any) -> None:
    if UPLOADED not in (info.tags or ()):
        raise HubRefusedError(
            f"The dataset {repo_id} was not uploaded by this package.",
            why="What somebody else put there is neither changed nor deleted.",
            remedy="Choose a name that is not taken.",
        )


def _check_private(token: Token, repo_id: str) -> None:
    info = _info(token, "dataset", repo_id)
    if info is None or not info.private:
        raise HubRefusedError(
            f"The dataset {repo_id} is not private.",
            why="Everybody could read what is uploaded there.",
            remedy="Make it private in its settings on the Hub, or choose another name.",
        )


def is_private(token: Token, repo_id: str) -> bool:
    """Whether a model repository is private. Raises HubError."""
    with session.client(token, f"look at the repository {repo_id}") as api:
        return bool(api.model_info(repo_id).private)


def pushed(token: Token | None, repo_id: str) -> Pushed | None:
    """What is in a model repository; None if there is no such repository, or this account may not see it.

    Raises:
        HubError: The Hub cannot be asked.
    """
    info = _info(token, "model", repo_id, files=True)
    if info is None:
        return None
    listed = info.siblings or ()
    files = tuple(RepoFile(str(item.rfilename), int(item.size or 0)) for item in listed)
    return Pushed(repo_id, str(info.sha or ""), files, bool(info.private))


def readable(token: Token | None, kind: str, repo_id: str) -> None:
    """Check that the content of a repository can be read with a token, terms accepted.

    Args:
        token: The token, or None.
        kind: "model" or "dataset".
        repo_id: The repository.

    Raises:
        HubError: It cannot be read; the message says what to do.
    """
    info = _info(token, kind, repo_id)
    page = f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{repo_id}"
    if info is None:
        raise HubRefusedError(
            f"There is no {kind} {repo_id} on the Hub, or this token cannot see it.",
            status=404,
            remedy="Check the name, or use a token that can read it.",
        )
    if info.gated:
        _check_terms(token, kind, repo_id, page)


def _check_terms(token: Token | None, kind: str, repo_id: str, page: str) -> None:
    """Its description is open to all, its files only to who accepted the terms: ask for one."""
    try:
        with session.client(token, f"read {repo_id}") as api:
            api.auth_check(repo_id, repo_type=kind)
    except HubRefusedError as error:
        if error.status not in {401, 403}:
            raise
        remedy = f"Accept its terms at {page} with the account of this token."
        raise HubRefusedError(f"{repo_id} is gated.", status=403, why=error.why, remedy=remedy, page=page) from None


def can_write(account: Account, repo_id: str) -> bool | None:
    """Whether the account may write to a repository of that name, existing or not; None where nobody can tell."""
    namespace, slash, _ = repo_id.partition("/")
    return account.can_write(namespace if slash else account.name, repo_id)


def _info(token: Token | None, kind: str, repo_id: str, *, files: bool = False) -> Any | None:
    try:
        with session.client(token, f"look at {repo_id}") as api:
            return api.repo_info(repo_id, repo_type=kind, files_metadata=files, timeout=session.READ_SECONDS)
    except HubRefusedError as error:
        # to a token that is not valid the Hub says so; of what is private it says no more than 401
        if error.status == 404 or (error.status == 401 and "Invalid credentials" not in error.why):
            return None
        raise
    except ValueError as error:  # the client's own check of names
        raise HubRefusedError(f"{repo_id!r} is no name of a repository.", remedy="Give 'owner/name'.") from error
