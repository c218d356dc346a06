"""What the Hub answered, or did not, as errors of this package with what to do next.

Two kinds matter to whoever spends money: the Hub refused (nothing has changed), or nobody knows (what was asked may
have happened, although no answer came).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from hfft_widgets.core.units import short
from hfft_widgets.errors import HubError
from hfft_widgets.scripts.masking import Mask

_SHAPES = Mask()
_LONGEST = 400  # characters of the Hub's own words
# by name: huggingface_hub 1.x raises httpx's, 2.x httpx2's, and the follower httpx's again
_NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"})
_STATUSES: Mapping[int, tuple[str, str]] = {
    400: ("the request was not accepted", "Change what it complains about."),
    401: (
        "the token is not valid (any more)",
        "Make a new one at https://huggingface.co/settings/tokens and sign in again.",
    ),
    402: (
        "the credits do not suffice",
        "Add credits at https://huggingface.co/settings/billing, or choose a cheaper flavor or a shorter limit.",
    ),
    403: (
        "the token has no right to do this",
        "Use a token with the right to write and to run jobs there: https://huggingface.co/settings/tokens.",
    ),
    404: ("there is no such thing there, or it is private", "Check the name, and that this account may see it."),
    409: ("it is in conflict with what is there", "Look at it on the Hub, then try again with another name."),
    429: ("too many requests were made", "Try again after that time."),
}
_UNSURE = frozenset({408, *range(500, 600)})
_PROXY_REMEDY = "Check HTTPS_PROXY and NO_PROXY, and the name and password in them; or ask who runs the proxy."
_OWN_HEADERS = ("x-request-id", "x-error-code", "x-error-message")  # the Hub's own answers have one of them


class _AnswerError(HubError):
    """What the Hub answered, or that it did not.

    Args:
        what: What happened.
        status: HTTP status; 0 without an answer.
        wait_seconds: The Hub asks to wait so long, or None.
        why: The reason.
        remedy: What to do next.
        page: The address where a person can mend it.
    """

    def __init__(
        self,
        what: str,
        *,
        status: int = 0,
        wait_seconds: float | None = None,
        why: str = "",
        remedy: str = "",
        page: str = "",
    ) -> None:
        self.status = status
        self.wait_seconds = wait_seconds
        super().__init__(what, why=why, remedy=remedy, page=page, signs_in=status in {401, 403})


class HubRefusedError(_AnswerError):
    """The Hub said no, or was never reached: nothing has changed there."""


class HubUnsureError(_AnswerError):
    """No answer came that can be trusted: what was asked may have happened."""


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Raise what the client libraries raise as this package's errors.

    The original is not chained: its frames hold request headers, and some notebooks print the locals of every frame.

    Args:
        action: What was tried, to follow "could not", e.g. "start the job".

    Raises:
        HubRefusedError: The Hub refused, or was never reached.
        HubUnsureError: It may have happened.
    """
    try:
        yield
    except HubError:
        raise
    except Exception as error:
        found = explain(error, action)
        if found is None:
            raise
        raise found from None


def explain(error: Exception, action: str) -> HubError | None:
    """The error of this package for one of a client library's; None if it is none of theirs."""
    names = {kind.__name__ for kind in type(error).__mro__}
    response = getattr(error, "response", None)
    if response is not None and hasattr(response, "status_code"):
        said = getattr(error, "server_message", None) or ""
        return by_status(response.status_code, response.headers, str(said), action, url=str(response.url))
    if names & {"JSONDecodeError", "UnicodeDecodeError"}:
        return no_hub(action, 200, "something that is no JSON")
    if "OfflineModeIsEnabled" in names:
        return HubRefusedError(
            f"Could not {action}.", why="The variable HF_HUB_OFFLINE forbids it.", remedy="Unset it and restart Python."
        )
    if "LocalTokenNotFoundError" in names:
        return by_status(401, {}, "", action)
    if names & {"HTTPError", "TransportError", "InvalidURL", "StreamError"}:
        return _without_answer(error, names, action)
    return None


def _without_answer(error: Exception, names: set[str], action: str) -> HubError:
    said = scrub(f"{type(error).__name__}: {error}".rstrip(": "))
    if "ProxyError" in names:
        return HubRefusedError(f"Could not {action}.", why=f"The proxy refused ({said}).", remedy=_PROXY_REMEDY)
    if names & _NEVER_SENT:
        remedy = "Check the network; behind a proxy, set HTTPS_PROXY."
        return HubRefusedError(f"Could not {action}.", why=f"The Hub cannot be reached ({said}).", remedy=remedy)
    return HubUnsureError(
        f"Could not {action}, or it happened without an answer.",
        why=f"The connection broke or timed out ({said}).",
        remedy="Look again in a minute.",
    )


def no_hub(action: str, status: int, sent: str) -> HubError:
    """The error for an answer that the Hub would not give.

    Args:
        action: What was tried, to follow "could not".
        status: The HTTP status.
        sent: What came.
    """
    return HubUnsureError(
        f"Could not {action}: what answered is not the Hub.",
        status=status,
        why=f"It sent {sent}; most often a proxy or a login page is in between.",
        remedy="Check the network and HTTPS_PROXY.",
    )


def bad_settings(error: Exception) -> HubError:
    """The error for a proxy's address or a certificate that is none, before anything is sent."""
    return HubRefusedError(
        "Requests cannot be sent with this machine's proxy settings.",
        why=f"{scrub(error)}.",
        remedy="Correct HTTPS_PROXY, ALL_PROXY, NO_PROXY and SSL_CERT_FILE.",
    )


def by_status(status: int, headers: Mapping[str, str], said: str, action: str, *, url: str = "") -> HubError:
    """The error for an HTTP status.

    Args:
        status: The status, 400 or above.
        headers: Of the answer; 429 and 503 may tell how long to wait.
        said: The Hub's own words, "" if it gave none.
        action: What was tried, to follow "could not".
        url: What was asked: where a proxy is used for it, that may be who answered.
    """
    if status == 407 or _from_proxy(headers, url):
        return _by_proxy(status, action)
    wait = wait_seconds(headers)
    words = f" It said: {scrub(said)}" if said else ""
    if status in _UNSURE:
        return HubUnsureError(
            f"Could not {action}, or it happened without an answer.",
            status=status,
            wait_seconds=wait,
            why=f"The Hub has a problem of its own (HTTP {status}).{words}",
            remedy="Look again in a minute; see https://status.huggingface.co.",
        )
    reason, remedy = _STATUSES.get(status, ("the Hub refused", "Look at it on the Hub."))
    pause = f" for {wait:.0f} s" if wait and status == 429 else ""
    return HubRefusedError(
        f"Could not {action}: {reason} (HTTP {status}).",
        status=status,
        wait_seconds=wait,
        why=(f"The Hub asks to wait{pause}." if pause else "") + words.strip(),
        remedy=remedy,
    )


def _from_proxy(headers: Mapping[str, str], url: str) -> bool:
    """Whether a proxy answered with a page of its own: there is one, and the Hub would have said its part in JSON."""
    parts = urlsplit(url)
    proxies = getproxies()
    if not (proxies.get(parts.scheme) or proxies.get("all")) or proxy_bypass(parts.netloc):
        return False
    kind = headers.get("content-type", "")
    return "json" not in kind and not any(name in headers for name in _OWN_HEADERS)


def _by_proxy(status: int, action: str) -> HubError:
    kind = HubUnsureError if status in _UNSURE else HubRefusedError
    return kind(
        f"Could not {action}: a proxy answered, not the Hub (HTTP {status}).",
        status=status,
        why="It asks for a name and a password." if status == 407 else "It could not pass the request on, or may not.",
        remedy=_PROXY_REMEDY,
    )


def wait_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the Hub asks to wait: Retry-After (seconds or a date), or RateLimit's `t=`; None if it does not.

    >>> wait_seconds({"retry-after": "7"}), wait_seconds({"ratelimit": '"api";r=0;t=55'})
    (7.0, 55.0)
    """
    after = headers.get("retry-after") or headers.get("Retry-After") or ""
    if after.strip().isdigit():
        return float(after)
    if after:
        return _until(after)
    limit = re.search(r"\br=0\b.*\bt=(\d+)", headers.get("ratelimit") or headers.get("RateLimit") or "")
    return float(limit[1]) if limit else None


def _until(date: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def scrub(text: Any) -> str:
    """A text in one bounded line, without anything that looks like a token.

    >>> scrub("bad token hf_abcdefgh1234")
    'bad token [hidden]'
    """
    line = " ".join(_SHAPES.hide(str(text)).split())
    return short(line, _LONGEST, " ...")
