"""A proxy that answers with a page of its own, as companies and cafés have them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hfft_widgets.errors import HubError, ModelError
from hfft_widgets.hub.account import account
from hfft_widgets.hub.jobs_api import JobRequest, JobsApi
from hfft_widgets.hub.models import fetch_model
from hfft_widgets.hub.outcomes import HubRefusedError, HubUnsureError
from hfft_widgets.hub.token import find_token
from hfft_widgets.hub.wire import Interrupt
from tests.standin_hub import WRITE_TOKEN

SECRETS = (WRITE_TOKEN, "open-sesame")


class Proxy(ThreadingHTTPServer):
    status = 502
    page = b"<html><h1>Blocked by your company</h1></html>"


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def refuse(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.server.status)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(self.server.page)))
        if self.server.status == 407:
            self.send_header("proxy-authenticate", 'Basic realm="company"')
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(self.server.page)
        self.close_connection = True

    do_GET = do_POST = do_HEAD = do_CONNECT = refuse  # noqa: N815 -- their names there

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy(hub, monkeypatch) -> Iterator[Proxy]:
    from huggingface_hub.utils import close_session

    server = Proxy(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://me:{SECRETS[1]}@127.0.0.1:{server.server_port}")
    close_session()
    yield server
    close_session()
    server.shutdown()
    server.server_close()


def by_the_client():
    account()


def by_the_client_posting():
    JobsApi(find_token()).submit(JobRequest("user", "", "cpu-basic", 60, {}, "a-job"))


def by_the_wire():
    JobsApi(find_token()).labelled("user", {"hfft": "1"})


def by_the_follower():
    wire = JobsApi(find_token()).wire
    with wire.stream("/api/jobs/user/x/logs", action="read the log", interrupt=Interrupt(), read_seconds=5):
        pass


EVERYWAY = pytest.mark.parametrize("ask", [by_the_client, by_the_client_posting, by_the_wire, by_the_follower])


@EVERYWAY
@pytest.mark.parametrize(("scheme", "status"), [("http", 407), ("http", 403), ("http", 503), ("https", 407)])
def test_a_proxy_that_answers_itself_is_named(proxy, monkeypatch, ask, scheme, status):
    monkeypatch.setenv("HF_ENDPOINT", f"{scheme}://hub.invalid")
    proxy.status = status
    with pytest.raises((HubRefusedError, HubUnsureError), match="proxy") as caught:
        ask()
    assert "HTTPS_PROXY and NO_PROXY" in caught.value.remedy
    assert str(status) in str(caught.value)
    assert not any(secret in str(caught.value) for secret in SECRETS)
    # where the proxy answered before a tunnel to the Hub, or asks who one is, nothing can have happened
    assert isinstance(caught.value, HubRefusedError if scheme == "https" or status < 500 else HubUnsureError)


@EVERYWAY
def test_a_login_page_is_not_taken_for_an_answer(proxy, monkeypatch, ask):
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    proxy.status = 200
    with pytest.raises(HubUnsureError, match="not the Hub") as caught:
        ask()
    assert "HTTPS_PROXY" in caught.value.remedy


@EVERYWAY
@pytest.mark.parametrize("address", ["nothing://me:open-sesame@x", "http://x:notaport"])
def test_a_setting_that_is_no_proxy(hub, monkeypatch, ask, address):
    from huggingface_hub.utils import close_session

    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, address)
    close_session()
    try:
        with pytest.raises(HubRefusedError, match="proxy settings") as caught:
            ask()
    finally:
        close_session()
    assert SECRETS[1] not in str(caught.value)


def test_the_hubs_own_problem_is_not_the_proxys(proxy, hub, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hub.fault("whoami", status=502, headers={"content-type": "text/html"})
    with pytest.raises(HubUnsureError, match="problem of its own"):
        account()


def test_a_model_behind_a_proxy(proxy, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    proxy.status = 407
    with pytest.raises((HubError, ModelError), match="proxy") as caught:
        fetch_model("user/model")
    assert caught.value.__cause__ is None


def test_an_answer_that_is_no_job_is_no_refusal(hub):
    for body in ("<html>", [], {"id": 5}, {"status": {}}, "null"):
        hub.fault("/api/jobs/user$", method="POST", status=200, body=body)
        with pytest.raises(HubUnsureError):
            by_the_client_posting()
