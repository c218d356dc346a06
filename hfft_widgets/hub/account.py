"""Who is signed in, and what this token may do."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.hub import session
from hfft_widgets.hub.outcomes import HubRefusedError, scrub
from hfft_widgets.hub.token import Token, ask_token, find_token, forget_token, keep_token

_WRITE, _JOBS = frozenset({"repo.write"}), frozenset({"job.write"})
_accounts: dict[tuple[str, Token], Account] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Account:
    """An account on the Hub, as one token sees it.

    Attributes:
        name: The user's name.
        orgs: Organisations the user belongs to.
        reads_only: Those of them in which the user may only read.
        role: Of the token: "write", "read", "fineGrained", or what else the Hub calls it.
        pays: By namespace, whether a payment method or credits are known; without an entry the Hub does not tell.
        token: The token itself; it never shows.
        grants: Rights of a fine-grained token by namespace or repository; "" holds those for everything.
    """

    name: str
    orgs: tuple[str, ...]
    role: str
    pays: Mapping[str, bool]
    token: Token
    grants: Mapping[str, frozenset[str]]
    reads_only: frozenset[str] = frozenset()

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Where this account may own things: itself first."""
        return (self.name, *self.orgs)

    def can_write(self, namespace: str = "", repo_id: str = "") -> bool | None:
        """Whether repositories, or that one, can be written there; None where the token does not tell."""
        if self.role == "fineGrained" and _WRITE & self.grants.get(repo_id, frozenset()):
            return True
        return self._may(_WRITE, namespace)

    def can_run_jobs(self, namespace: str = "") -> bool | None:
        """Whether jobs can be started there; None where the token does not tell."""
        return self._may(_JOBS, namespace)

    def _may(self, rights: frozenset[str], namespace: str) -> bool | None:
        namespace = namespace or self.name
        if namespace not in self.namespaces or namespace in self.reads_only or self.role == "read":
            return False
        if self.role == "write":
            return True
        if self.role != "fineGrained":
            return None
        return bool(rights & (self.grants.get(namespace, frozenset()) | self.grants.get("", frozenset())))

    def __str__(self) -> str:
        write = {True: "can write", False: "cannot write", None: "may be able to write"}[self.can_write()]
        jobs = {True: "can run jobs", False: "cannot run jobs", None: "may be able to run jobs"}[self.can_run_jobs()]
        return f"signed in as {self.name}, {write}, {jobs}"


def account(token: Token | None = None) -> Account:
    """The account of a token, asked once per process: the Hub limits this call strictly.

    Args:
        token: The token; this machine's if not given.

    Raises:
        HubError: Nobody is signed in, the token is not valid, or the Hub cannot be reached.
    """
    token = token or find_token()
    if token is None:
        raise HubRefusedError(
            "Nobody is signed in to Hugging Face.",
            status=401,
            remedy="Type a token (https://huggingface.co/settings/tokens), set HF_TOKEN, or run `hf auth login`.",
        )
    key = (session.endpoint(), token)
    with _lock:  # two threads ask once
        if key not in _accounts:
            try:
                with session.client(token, f"sign in with the token from {token.source}") as api:
                    answer = api.whoami()
            except HubRefusedError as error:
                if error.status == 401:
                    forget_token()  # so that another can be typed
                raise
            _accounts[key] = _read(answer, token)
        return _accounts[key]


def forget_accounts() -> None:
    """Ask again at the next use: a token's rights can be changed on the Hub."""
    with _lock:
        _accounts.clear()


def _read(answer: Mapping[str, Any], token: Token) -> Account:
    access = (answer.get("auth") or {}).get("accessToken") or {}
    orgs = [org for org in answer.get("orgs") or () if org.get("name")]
    return Account(
        name=scrub(answer.get("name", "")),
        orgs=tuple(scrub(org["name"]) for org in orgs),
        role=str(access.get("role") or (answer.get("auth") or {}).get("type") or ""),
        pays={scrub(one.get("name", "")): one["canPay"] for one in (answer, *orgs) if "canPay" in one},
        token=token,
        grants=_grants(access.get("fineGrained") or {}),
        reads_only=frozenset(scrub(org["name"]) for org in orgs if org.get("roleInOrg") == "read"),
    )


def _grants(fine: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    grants = {"": frozenset(str(right) for right in fine.get("global") or ())}
    for scope in fine.get("scoped") or ():
        entity = scope.get("entity") or {}
        name = str(entity.get("name"))
        grants[name] = grants.get(name, frozenset()) | frozenset(map(str, scope.get("permissions") or ()))
    return grants


def sign_in(token: str | None = None) -> str:
    """Who is signed in to the Hub, and what the token may do, in words; asks for a token where there is none.

    The token is typed without an echo and stays in this process.

    Args:
        token: One that was read elsewhere; in this process it is used before any other.

    Returns:
        E.g. "signed in as me, can write, can run jobs".

    Raises:
        HubError: No token was given, it is not valid, or the Hub cannot be reached.
    """
    return str(account(keep_token(token) if token is not None else ask_token()))
