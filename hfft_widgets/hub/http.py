"""HTTP to the Hub's other servers: own time limits, bounded patience, and a token that only the Hub's hosts see."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hfft_widgets.errors import HubError
from hfft_widgets.hub.outcomes import scrub, wait_seconds
from hfft_widgets.hub.session import endpoint, offline
from hfft_widgets.hub.token import find_token
from hfft_widgets.hub.wire import http_client

if TYPE_CHECKING:
    import httpx

_READ_SECONDS = 15.0
_CONNECT_SECONDS = 2.0  # to learn whether there is a way at all
_ANSWERED_SECONDS = 30.0
_answered: dict[str, float] = {}  # a Hub's address -> when it answered last
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0
_CHUNK_BYTES = 1 << 20
_PASSING = frozenset({408, 429, 502, 503, 504})  # what may be different in a moment


@dataclass(frozen=True)
class Answer:
    """One HTTP answer.

    Attributes:
        status: Its status code.
        body: Its content.
        code: The Hub's name of an error, "" if it gave none.
        retry_after: Seconds the server asks to wait; None: it does not.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    code: str = ""
    retry_after: float | None = None

    @property
    def passing(self) -> bool:
        """Whether asking again may help."""
        return self.status in _PASSING or self.code == "ResponseNotReadyError"


def hub_answers() -> bool:
    """Whether the Hub itself can be reached, in about two seconds: a network that loses packets is found so too.

    That it was there a moment ago is enough: one click asks for a model, its facts and its data.
    """
    where = endpoint()
    if offline():
        return False
    if time.monotonic() - _answered.get(where, -_ANSWERED_SECONDS) >= _ANSWERED_SECONDS:
        if not Http(where, patience=0).reaches(where):
            return False
        _answered[where] = time.monotonic()
    return True


class Http:
    """Requests with retries; `patience` is the most seconds spent on one of them waiting for a better answer.

    Args:
        hosts: Addresses whose origin may see the token.
        patience: Seconds.
    """

    def __init__(self, *hosts: str, patience: float) -> None:
        import httpx

        self._patience = patience
        self._reached = False
        self._client = http_client(_READ_SECONDS, auth=_bearer([httpx.URL(host) for host in hosts]))
        weakref.finalize(self, self._client.close)

    def get(self, url: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """The answer, once it is not one that a moment may change, or patience is over.

        Raises:
            HubError: No server answered.
        """
        return self._patiently(url, lambda: self._once(url, params))

    def get_range(self, url: str, start: int, stop: int, cancelled: Callable[[], bool] | None = None) -> bytes:
        """The bytes from `start` to before `stop`.

        Raises:
            HubError: They could not be read, or reading was cancelled.
        """

        def read() -> Answer:
            return self._once(url, None, {"Range": f"bytes={start}-{stop - 1}"}, cancelled)

        answer = self._patiently(url, read)
        body = answer.body[start:stop] if answer.status == 200 else answer.body  # a server may ignore the range
        if answer.status not in {200, 206} or len(body) != stop - start:
            raise HubError(
                f"{_shown(url)} could not be read.",
                why=f"The server answered {answer.status} with {len(body):,} of {stop - start:,} bytes.",
                remedy="Try again later.",
            )
        return body

    def reaches(self, url: str) -> bool:
        """Whether a server is there: any answer counts, and so does one that takes its time."""
        import httpx

        limits = httpx.Timeout(_CONNECT_SECONDS, read=_CONNECT_SECONDS)
        try:
            self._client.head(url, timeout=limits, follow_redirects=False)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.InvalidURL):
            return False
        except httpx.HTTPError:
            return True
        return True

    def _patiently(self, url: str, ask: Callable[[], Answer]) -> Answer:
        import httpx

        end = time.monotonic() + self._patience
        for wait in _waits():
            answer, failure = None, None
            try:
                answer = ask()
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                failure = error
            self._reached = self._reached or answer is not None
            if answer and not answer.passing:
                return answer
            seconds = max(wait, (answer and answer.retry_after) or 0)
            if time.monotonic() + seconds > end or self._no_way(failure, wait):
                break
            time.sleep(seconds)
        if answer:
            return answer
        raise HubError(
            f"{_shown(url)} could not be reached.",
            why=f"{scrub(f'{type(failure).__name__}: {failure}').rstrip(': ')}.",
            remedy="Check the connection and the proxy settings.",
        ) from None  # its frames hold the request's headers

    def _no_way(self, failure: Exception | None, wait: float) -> bool:
        """Whether there is no network, as far as one can tell: no server of this one was ever reached, in two tries."""
        import httpx

        silent = isinstance(failure, httpx.ConnectTimeout)  # it took its time already
        return not self._reached and (silent or (isinstance(failure, httpx.ConnectError) and wait > _FIRST_WAIT))

    def _once(
        self,
        url: str,
        params: Mapping[str, str | int] | None,
        headers: Mapping[str, str] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Answer:
        with self._client.stream("GET", url, params=params, headers=headers) as response:
            body = b"".join(_until(cancelled, response.iter_bytes(_CHUNK_BYTES)))
            code = response.headers.get("X-Error-Code", "")
            return Answer(response.status_code, body, code, wait_seconds(response.headers))


def _until(cancelled: Callable[[], bool] | None, chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if cancelled and cancelled():
            raise HubError("Reading was stopped.", remedy="Start again to check all rows.")
        yield chunk


def _bearer(hosts: list[httpx.URL]) -> httpx.Auth:
    """Who is logged in, sent to these hosts alone; looked up for each request and kept nowhere."""
    import httpx

    origins = {(host.scheme, host.host, host.port) for host in hosts}

    class Bearer(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            url = request.url
            if (url.scheme, url.host, url.port) in origins and (token := find_token()):
                request.headers["Authorization"] = f"Bearer {token.reveal()}"
            yield request

    return Bearer()


def _waits() -> Iterator[float]:
    wait = _FIRST_WAIT
    while True:
        yield wait
        wait = min(2 * wait, _LONGEST_WAIT)


def _shown(url: str) -> str:
    """An address without its query, in which servers put signatures."""
    return url.partition("?")[0][:300]
