"""Accounts and their tokens. All are clearly no real tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response

from .state import Ask, HubError

WRITE_TOKEN = "hf_stand_in_write_not_a_real_token"
READ_TOKEN = "hf_stand_in_read_not_a_real_token"
NO_JOBS_TOKEN = "hf_stand_in_fine_grained_not_a_real_token"
POOR_TOKEN = "hf_stand_in_no_credits_not_a_real_token"
OTHER_TOKEN = "hf_stand_in_other_not_a_real_token"


@dataclass(frozen=True)
class Account:
    """What one token stands for."""

    name: str
    role: str = "write"
    """write, read or fineGrained."""
    orgs: tuple[str, ...] = ()
    credits: bool = True
    """False: a job is refused with 402."""
    permissions: tuple[str, ...] = ()
    """Of a fine-grained token, on the account itself."""

    @property
    def can_write(self) -> bool:
        return self.role == "write" or "repo.write" in self.permissions

    @property
    def can_run_jobs(self) -> bool:
        return self.role == "write" or "job.write" in self.permissions

    def owns(self, namespace: str) -> bool:
        return namespace in (self.name, *self.orgs)


DEFAULT: dict[str, Account] = {
    WRITE_TOKEN: Account("user", orgs=("acme",)),
    READ_TOKEN: Account("user", role="read", orgs=("acme",)),
    NO_JOBS_TOKEN: Account("user", role="fineGrained", permissions=("repo.content.read", "repo.write")),
    POOR_TOKEN: Account("poor", credits=False),
    OTHER_TOKEN: Account("other"),
}


class Accounts:
    """Who a token belongs to."""

    def __init__(self) -> None:
        self.by_token = dict(DEFAULT)

    def of(self, authorization: str) -> Account | None:
        """The account of an Authorization header; None without a token.

        Raises:
            HubError: 401, the token is unknown.
        """
        if not authorization.lower().startswith("bearer "):
            return None
        account = self.by_token.get(authorization[7:].strip())
        if account is None:
            raise HubError(401, "Invalid credentials in Authorization header")
        return account

    def names(self) -> Iterable[str]:
        return {account.name for account in self.by_token.values()}


def object_id(text: str) -> str:
    """24 hexadecimal digits, as the Hub's ids have them."""
    return hashlib.md5(text.encode()).hexdigest()[:24]


def whoami(ask: Ask) -> Response:
    account = ask.user()
    return JSONResponse(
        {
            "type": "user",
            "id": object_id(account.name),
            "name": account.name,
            "fullname": account.name.title(),
            "email": f"{account.name}@example.com",
            "emailVerified": True,
            "canPay": account.credits,
            "periodEnd": None,
            "isPro": account.credits,
            "avatarUrl": "",
            "orgs": [_org(name) for name in account.orgs],
            "auth": {"type": "access_token", "accessToken": _token(account)},
        }
    )


def _org(name: str) -> dict[str, Any]:
    return {
        "type": "org",
        "id": object_id(name),
        "name": name,
        "fullname": name.title(),
        "roleInOrg": "admin",
        "isEnterprise": False,
        "canPay": True,
    }


def _token(account: Account) -> dict[str, Any]:
    facts: dict[str, Any] = {"displayName": "stand-in", "role": account.role, "createdAt": "2026-01-01T00:00:00.000Z"}
    if account.role == "fineGrained":
        entity = {"_id": object_id(account.name), "type": "user", "name": account.name}
        scoped = [{"entity": entity, "permissions": list(account.permissions)}]
        facts["fineGrained"] = {"canReadGatedRepos": True, "global": [], "scoped": scoped}
    return facts
