"""Own requests to the Hub over httpx: with limits, never retried in secret, and stoppable while they wait."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from hfft_widgets.errors import HubError
from hfft_widgets.hub import session
from hfft_widgets.hub.outcomes import HubRefusedError, bad_settings, by_status, no_hub, translated
from hfft_widgets.hub.patience import patiently
from hfft_widgets.hub.transcript import note

if TYPE_CHECKING:
    import ssl

    import httpx

    from hfft_widgets.hub.token import Token

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
_PAGES = 100  # of a list; more means that the links go round
_ERROR_BYTES = 20_000

Query = Sequence[tuple[str, str]]


class Interrupt:
    """Ends a request at once from any thread, also one that waits for a silent server."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def set(self) -> None:
        """End it; later requests with this interrupt end as they begin."""
        self._event.set()
        with self._lock:
            self._cut()

    def is_set(self) -> bool:
        """Whether it was asked to end."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait, unless it is asked to end; returns whether it was."""
        return self._event.wait(seconds)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from httpcore which socket a request uses: known from here while no header has come yet."""
        # by a proxy, the names begin with "proxy" or "socks"
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                if self.is_set():
                    self._cut()

    def _cut(self) -> None:
        if isinstance(self._socket, socket.socket):
            with contextlib.suppress(OSError):
                # not SSLSocket's own: it drops the TLS state that another thread is reading with
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Wire:
    """Requests with one token. Threads may share it.

    Args:
        token: Sent with each request; None: nothing is sent.
    """

    def __init__(self, token: Token | None) -> None:
        self._token = token
        self._endpoint = session.endpoint()
        self._lock = threading.Lock()
        self._clients: dict[bool, httpx.Client] = {}

    def get(self, path: str, query: Query = (), *, action: str, patience_seconds: float = 0.0) -> Any:
        """The JSON of an answer.

        Args:
            path: Below the Hub's address.
            query: Names and values.
            action: What is tried, to follow "could not".
            patience_seconds: For how long it is asked again while the Hub is busy.

        Raises:
            HubRefusedError: The Hub refused, or was never reached.
            HubUnsureError: No answer that can be trusted.
        """
        self._check_allowed(action)
        return patiently(lambda: self._asked(self._endpoint + path, query, action), patience_seconds).json()

    def pages(self, path: str, query: Query = (), *, action: str) -> Iterator[Any]:
        """The items of a list over all its pages; raises as `get` does."""
        url, asked = self._endpoint + path, query
        for _ in range(_PAGES):
            answer = self._asked(url, asked, action)
            yield from answer.json()
            url, asked = answer.links.get("next", {}).get("url", ""), ()
            if not url.startswith(self._endpoint + "/"):  # the token goes nowhere else
                return

    def _asked(self, url: str, query: Query, action: str) -> httpx.Response:
        self._check_allowed(action)
        with translated(action):
            answer = self._client(streams=False).get(url, params=list(query) or None, headers=self._headers())
            _check(answer, action)
            try:
                answer.json()
            except ValueError:
                raise _no_hub(answer, action) from None
            return answer

    @contextlib.contextmanager
    def stream(
        self, path: str, query: Query = (), *, action: str, interrupt: Interrupt, read_seconds: float
    ) -> Iterator[Iterator[bytes]]:
        """The bytes of an event stream as they come.

        Args:
            path: Below the Hub's address.
            query: Names and values.
            action: What is tried, to follow "could not".
            interrupt: Ends it from another thread.
            read_seconds: Silence after which it is given up.

        Raises:
            HubRefusedError: The Hub refused, or was never reached.
            HubUnsureError: It broke, or is no event stream.
        """
        self._check_allowed(action)
        request = self._client(streams=True).build_request(
            "GET",
            self._endpoint + path,
            params=list(query) or None,
            headers={**self._headers(), "accept": "text/event-stream", "accept-encoding": "identity"},
            timeout=_limits(read_seconds),
            extensions={"trace": interrupt.trace},
        )
        with translated(action), contextlib.closing(self._client(streams=True).send(request, stream=True)) as answer:
            _check(answer, action)
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                raise _no_hub(answer, action)
            yield answer.iter_bytes()

    def close(self) -> None:
        """Close what is open; requests under way end."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _headers(self) -> dict[str, str]:
        from huggingface_hub.utils import build_hf_headers

        token = self._token.reveal() if self._token else False
        return dict(build_hf_headers(token=token, library_name="hfft_widgets"))

    def _client(self, *, streams: bool) -> httpx.Client:
        with self._lock:
            if streams not in self._clients:
                # a stream has a connection of its own, so that it can be cut
                self._clients[streams] = http_client(kept=0 if streams else 4)
                weakref.finalize(self, self._clients[streams].close)
            return self._clients[streams]

    def _check_allowed(self, action: str) -> None:
        if session.offline():
            raise HubRefusedError(
                f"Could not {action}.",
                why="The variable HF_HUB_OFFLINE forbids it.",
                remedy="Unset it and restart Python.",
            )


def http_client(read_seconds: float = READ_SECONDS, *, kept: int = 4, auth: httpx.Auth | None = None) -> httpx.Client:
    """A client of this package's own.

    Args:
        read_seconds: Silence after which a request is given up.
        kept: Connections that stay open for the next request.
        auth: What a request says about who asks; None: only what its own headers say.

    Raises:
        HubRefusedError: The machine's proxy or certificate settings cannot be used.
    """
    import httpx

    try:
        return httpx.Client(
            auth=auth,
            timeout=_limits(read_seconds),
            follow_redirects=True,
            verify=_certificates(),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=kept),
            event_hooks={"response": [note]},
        )
    except Exception as error:  # noqa: BLE001 -- an address, a scheme, a package that is missing, a certificate
        raise bad_settings(error) from None


@cache
def _certificates() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()  # 30 ms each


def _limits(read_seconds: float) -> httpx.Timeout:
    import httpx

    return httpx.Timeout(CONNECT_SECONDS, read=read_seconds)


def _check(answer: httpx.Response, action: str) -> None:
    if answer.status_code >= 400:
        raise by_status(answer.status_code, answer.headers, _said(answer), action, url=str(answer.url))


def _said(answer: httpx.Response) -> str:
    """The Hub's own words about an error."""
    if words := answer.headers.get("x-error-message"):
        return str(words)
    try:
        said = json.loads(answer.content if answer.is_closed else next(answer.iter_bytes(_ERROR_BYTES), b""))
        return str(said.get("error", "")) if isinstance(said, dict) else ""
    except Exception:  # noqa: BLE001 -- the status says enough
        return ""


def _no_hub(answer: httpx.Response, action: str) -> HubError:
    return no_hub(action, answer.status_code, answer.headers.get("content-type", "nothing").partition(";")[0])
