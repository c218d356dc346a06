import copy
import json
import os
import pickle
import subprocess
import sys
import traceback

import pytest

from hfft_widgets.errors import HubError
from hfft_widgets.hub import repos
from hfft_widgets.hub import token as tokens
from hfft_widgets.hub.account import account, forget_accounts
from hfft_widgets.hub.jobs_api import JobRequest, JobsApi
from hfft_widgets.hub.outcomes import HubRefusedError, HubUnsureError
from hfft_widgets.hub.preflight import preflight
from hfft_widgets.hub.token import Token, ask_token, find_token
from tests.standin_hub import NO_JOBS_TOKEN, READ_TOKEN, WRITE_TOKEN, rate_limited

SECRET = "hf_notARealTokenButLongEnough"


def test_a_token_never_shows():
    token = Token(SECRET, "a test")
    shown = [
        repr(token),
        str(token),
        f"{token}",
        repr([token]),
        repr(vars(Token)),
        repr(token._reveal),
        repr({token: 1}),
    ]
    assert not [text for text in shown if SECRET in text]
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            write(token)
    assert token.reveal() == SECRET


def test_what_was_typed_comes_first_then_the_environment_then_the_saved_login(hub, monkeypatch, tmp_path):
    from huggingface_hub import constants

    assert find_token().source == "the variable HF_TOKEN"
    saved = tmp_path / "token"
    saved.write_text("hf_savedSavedSaved\n")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(saved))
    assert find_token().reveal() == WRITE_TOKEN
    monkeypatch.delenv("HF_TOKEN")
    assert (find_token().reveal(), find_token().source) == ("hf_savedSavedSaved", "the saved login")
    saved.unlink()
    assert find_token() is None
    asked = []
    assert ask_token(lambda words: asked.append(words) or f" {SECRET}\n").reveal() == SECRET
    assert find_token().source == "the prompt"
    assert ask_token(lambda words: 1 / 0).reveal() == SECRET
    monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
    assert find_token().reveal() == SECRET
    tokens.forget_token()
    assert find_token().reveal() == WRITE_TOKEN
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubRefusedError, match="No token was given"):
        ask_token(lambda words: "")


def test_a_wrong_token_that_was_typed_can_be_typed_again(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    typed = iter([SECRET, WRITE_TOKEN])
    with pytest.raises(HubRefusedError, match="not valid"):
        account(ask_token(lambda words: next(typed)))
    assert account(ask_token(lambda words: next(typed))).name == "user"
    assert account().name == "user"


COLAB = """
import builtins, json, os, sys, types
asked = []
class userdata:  # what this needs of Colab, which cannot run here
    class NotebookAccessError(Exception): pass
    class SecretNotFoundError(Exception): pass
    @staticmethod
    def get(name):
        asked.append(name)
        return "hf_inTheColabSecrets"
google, colab, told = types.ModuleType("google"), types.ModuleType("google.colab"), types.ModuleType("errors")
colab.userdata, told.Error, google.colab = userdata, RuntimeError, colab
sys.modules |= {"google": google, "google.colab": colab, "google.colab.userdata": userdata, "google.colab.errors": told}
builtins.get_ipython = lambda: "<google.colab._shell.Shell object>"
from hfft_widgets.hub.token import ask_token, find_token
def found():
    token = find_token()
    return token.reveal(), token.source, len(asked)
told = [found()]
del os.environ["HF_TOKEN"]
told.append(found())
os.remove(sys.argv[1])
told.append(found())
told.append(ask_token(lambda words: 1 / 0).source)
print(json.dumps(told))
"""


def test_colabs_secret_comes_after_the_saved_login_and_before_the_prompt(tmp_path):
    saved = tmp_path / "token"
    saved.write_text("hf_savedSavedSaved\n")
    environment = {**os.environ, "HF_TOKEN": "hf_environment", "HF_TOKEN_PATH": str(saved), "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", COLAB, str(saved)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    environment, login, colab, without_asking = json.loads(done.stdout)
    assert environment == ["hf_environment", "the variable HF_TOKEN", 0]
    assert login[:2] == ["hf_savedSavedSaved", "the saved login"]
    assert colab == ["hf_inTheColabSecrets", "Colab's secrets or the login of this service", 1]  # asked for once
    assert without_asking == colab[1]


@pytest.mark.parametrize("text", ["hf_notAReal\u00e9Token", "hf_not\x00real", "\u201chf_notARealToken\u201d"])
def test_a_token_that_no_header_takes(hub, monkeypatch, text):
    token = Token(text, "a test")
    for ask in (
        lambda: account(token),
        lambda: JobsApi(token).live("user", {}),
        lambda: JobsApi(token).cancel("a", "b"),
    ):
        with pytest.raises(HubRefusedError, match="characters that no token has") as caught:
            ask()
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack[
            1:
        ]  # not this one
        assert frames
        assert not [frame for frame in frames if text in str(frame.locals) and "/tests/" not in frame.filename]
    assert hub.journal == []


def test_a_traceback_with_all_variables_shows_no_token(hub):
    hub.fault("whoami", status=500)
    hub.fault("/api/jobs", status=500, times=None)
    token = Token(WRITE_TOKEN, "a test")
    request = JobRequest("user", "", "cpu-basic", 60, {}, "a-job")
    for ask in (
        lambda: account(token),
        lambda: JobsApi(token).live("user", {}),
        lambda: JobsApi(token).submit(request),
    ):
        with pytest.raises(HubUnsureError) as caught:
            ask()
        shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert "locals" in shown or "self = " in shown
        assert WRITE_TOKEN not in shown


def rights(**access):
    return {"merge": {"auth": {"accessToken": access}}}


def test_who_may_only_read_in_an_organisation_cannot_write_there(hub):
    hub.fault("whoami", merge={"orgs": [{"name": "acme", "roleInOrg": "read", "canPay": False}]})
    who = account()
    assert (who.can_write("acme"), who.can_run_jobs("acme"), who.can_write()) == (False, False, True)
    checks = {check.name: check for check in preflight(who, "acme", push_to="acme/model")}
    assert (checks["Namespace"].passed, checks["Result"].passed) == (False, False)
    assert checks["Credits"].passed is None  # the user can pay, the organisation is not known to


def test_a_token_for_one_repository_can_write_to_that_one(hub):
    scoped = [{"entity": {"type": "model", "name": "acme/one"}, "permissions": ["repo.write"]}]
    hub.fault("whoami", **rights(role="fineGrained", fineGrained={"global": [], "scoped": scoped}))
    who = account()
    assert repos.can_write(who, "acme/one") is True
    assert repos.can_write(who, "acme/two") is False
    assert who.can_write() is False


def test_a_public_repository_is_asked_about_before_something_is_put_there(hub):
    who = account()
    for name, private in (("user/mine", True), ("user/shown", False)):
        repos.create_model_repo(who.token, name, private=private)
    found = {
        name: next(check for check in preflight(who, "user", push_to=name) if check.name == "Result")
        for name in ("user/mine", "user/shown", "user/new")
    }
    assert [(check.passed, "public" in check.message) for check in found.values()] == [
        (True, False), (None, True), (True, False),
    ]  # fmt: skip
    assert "new name" in found["user/shown"].remedy


def test_a_token_that_has_expired_is_told_as_such(hub):
    with pytest.raises(HubRefusedError, match="token is not valid"):
        repos.readable(Token(SECRET, "a test"), "model", "user/model")


@pytest.mark.parametrize(
    ("token", "line"),
    [
        (WRITE_TOKEN, "signed in as user, can write, can run jobs"),
        (READ_TOKEN, "signed in as user, cannot write, cannot run jobs"),
        (NO_JOBS_TOKEN, "signed in as user, can write, cannot run jobs"),
    ],
)
def test_what_a_token_may_do(hub, token, line):
    assert str(account(Token(token, "a test"))) == line


def test_rights_elsewhere(hub):
    who = account()
    assert who.namespaces == ("user", "acme")
    assert who.can_run_jobs("acme")
    assert who.can_write("somebody") is False


def test_the_hub_is_asked_once(hub):
    for _ in range(3):
        account()
    assert [entry.path for entry in hub.journal].count("/api/whoami-v2") == 1


def test_nobody_signed_in(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="Nobody is signed in"):
        account()
    assert hub.journal == []


def test_a_wrong_token_is_told_without_showing_it(hub):
    with pytest.raises(HubRefusedError) as caught:
        account(Token(SECRET, "a test"))
    assert caught.value.status == 401
    assert "settings/tokens" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert SECRET not in shown
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ({"status": 402, "body": {"error": "no credits left"}}, HubRefusedError, "settings/billing"),
        ({"status": 403}, HubRefusedError, "no right"),
        ({"status": 404}, HubRefusedError, "no such thing"),
        ({"status": 409}, HubRefusedError, "conflict"),
        ({"status": 418}, HubRefusedError, "HTTP 418"),
        (rate_limited(55), HubRefusedError, "wait for 55 s"),
        ({"status": 500}, HubUnsureError, "HTTP 500"),
        ({"status": 503}, HubUnsureError, "HTTP 503"),
        ({"lost": True}, HubUnsureError, "broke or timed out"),
    ],
)
def test_every_outcome_has_an_error_and_a_remedy(hub, fault, kind, words):
    hub.fault("whoami", **fault)
    with pytest.raises(kind, match=words) as caught:
        account()
    assert caught.value.remedy
    assert account().name == "user"  # a failure is not kept


def test_the_hub_is_not_there(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubRefusedError, match="cannot be reached") as caught:
        account()
    assert caught.value.status == 0


def test_offline_is_respected(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubRefusedError, match="HF_HUB_OFFLINE"):
        account()


def test_a_proxy_that_is_not_there(hub, monkeypatch):
    from huggingface_hub.utils import close_session

    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    close_session()
    try:
        with pytest.raises(HubRefusedError, match=r"cannot be reached|proxy"):
            account()
    finally:
        close_session()


def test_a_hub_that_stalls_is_given_up(hub, monkeypatch):
    from huggingface_hub.utils import get_session

    from hfft_widgets.hub import session

    before = get_session().timeout
    monkeypatch.setattr(session, "READ_SECONDS", 0.3)
    hub.fault("whoami", delay=20)
    with pytest.raises(HubUnsureError, match="timed out"):
        account()
    assert get_session().timeout == before
    forget_accounts()
