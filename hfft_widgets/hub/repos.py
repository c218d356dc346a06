"""Repositories on the Hub: may this account write, read, and what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hfft_widgets.hub import session
from hfft_widgets.hub.outcomes import HubRefusedError

if TYPE_CHECKING:
    from hfft_widgets.hub.account import Account
    from hfft_widgets.hub.token import Token


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
        checkpoint: Whether the last checkpoint is there, from which a training can go on.
    """

    repo_id: str
    commit: str
    files: tuple[RepoFile, ...]

    @property
    def checkpoint(self) -> bool:
        """Whether a whole checkpoint is there: its trainer_state.json is written last."""
        return any(file.path == "last-checkpoint/trainer_state.json" for file in self.files)

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)


def create_model_repo(token: Token, repo_id: str, *, private: bool = True) -> None:
    """Make a model repository, private by default; one that exists stays as it is.

    Raises:
        HubError: It cannot be made.
    """
    with session.client(token, f"make the repository {repo_id}") as api:
        api.create_repo(repo_id, private=private, exist_ok=True)


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
    return Pushed(repo_id, str(info.sha or ""), files)


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
        raise HubRefusedError(f"{repo_id} is gated.", status=403, why=error.why, remedy=remedy) from None


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
