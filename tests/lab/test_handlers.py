"""What the page asks Jupyter's server, over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.jobs.money import ledger
from tests.jobs.conftest import until
from tests.lab.conftest import path_of

LONG = """
for step in range(1, 10_000):
    tell("log", step=step, total_steps=100, metrics={"loss": 3 / step})
    print("a secret line", flush=True)
    time.sleep(0.05)
"""
HOSTILE = "<img src=x onerror=alert(1)> & co"


def test_nobody_is_answered_who_is_not_signed_in(server):
    run = path_of("local:20260101-000000-00000000")
    asked = [("GET", ""), ("GET", run), ("DELETE", run)]
    asked += [("POST", f"{run}/{action}") for action in ("cancel", "resume", "start_now")]
    assert [server.ask(method, path, signed_in=False).status for method, path in asked] == [403] * 6
    assert [server.ask("GET", path, signed_in=False, room="lessons").status for path in ("", "/1_data")] == [403] * 2
    assert server.ask("POST", f"{run}/anything").status in {403, 405}


def test_a_run_started_by_python_is_there_at_the_next_look(server, start):
    assert server.runs() == []
    run = start(LONG, title=HOSTILE)
    (seen,) = server.runs()
    assert (seen["id"], seen["title"], seen["live"], seen["host"]) == (run.id, HOSTILE, True, "local")
    until(lambda: len(server.runs()[0]["spark"]) > 3)
    (seen,) = server.runs()
    assert seen["words"] == f"Step {seen['step']} of 100"
    assert seen["fraction"] == pytest.approx(seen["step"] / 100)
    assert seen["spark"][0] == [1, 3.0]
    assert "secret" not in str(server.ask("GET").values)
    other = start("print()")
    assert {one["id"] for one in server.runs()} == {run.id, other.id}


def test_only_what_changed_is_sent_again(server, start):
    ended = start("tell('end')")
    ended.wait(30)
    until(lambda: [run["live"] for run in server.runs()] == [False])
    first = server.ask("GET", "?shown=local").values
    again = server.ask("GET", f"?shown=local&since={first['revision']}").values
    assert again == {**first, "runs": []}
    other = start(LONG)
    news = server.ask("GET", f"?shown=local&since={first['revision']}").values
    assert news["order"] == [other.id, ended.id]
    assert [run["id"] for run in news["runs"]] == [other.id]
    assert news["revision"] > first["revision"]
    ended.delete()
    assert server.ask("GET", f"?shown=local&since={news['revision']}").values["order"] == [other.id]


def test_a_run_is_ended_and_deleted(server, start):
    run = start(LONG)
    refused = server.ask("DELETE", path_of(run.id))
    assert refused.status == 409
    assert "Cancel it first" in refused.values["message"]
    assert server.ask("POST", f"{path_of(run.id)}/cancel").status == 200
    until(lambda: not server.runs()[0]["live"])
    assert (run.wait(30).stage, server.runs()[0]["words"]) == (Stage.CANCELED, "Cancelled")
    assert server.ask("GET", path_of(run.id)).values["disk_bytes"] == run.disk_bytes > 0
    assert server.ask("DELETE", path_of(run.id)).status == 200
    assert server.runs() == []


def test_what_is_asked_of_a_run_that_cannot_is_refused_in_words(server, start):
    run = start(LONG)
    for action, words in (("resume", "is live"), ("start_now", "does not wait")):
        refused = server.ask("POST", f"{path_of(run.id)}/{action}")
        assert (refused.status, words in refused.values["message"]) == (409, True)


def test_lessons_are_listed_and_given(server):
    listed = server.ask("GET", room="lessons").values
    assert {"name": "1_data", "title": "Data: can I train on this?", "short": "1 Data"} in listed
    assert server.ask("GET", "/1_data", room="lessons").values["nbformat"] == 4
    refused = server.ask("GET", "/..%2F..%2FREADME", room="lessons")
    assert (refused.status, "There is no lesson" in refused.values["message"]) == (409, True)


def test_the_ledger_is_told_in_words_and_its_growth_with_the_runs(server, home):
    assert server.ask("GET", room="ledger", signed_in=False).status == 403
    assert server.ask("GET", "?shown=local").values["ledger"] == ""
    assert server.ask("GET", room="ledger").values["rows"] == []
    entry = ledger.begin(title=HOSTILE, fingerprint="f" * 16, flavor="t4-small", ceiling_usd=0.4)
    ledger.refused(entry, "nobody allowed that")
    assert server.ask("GET", "?shown=local").values["ledger"]
    told = server.ask("GET", room="ledger").values
    assert told["summary"].startswith("Last 24 hours: $0, no daily limit")
    assert told["rows"][0]["title"] == f"{HOSTILE} on t4-small"
    assert told["rows"][0]["words"] == "refused: nobody allowed that"


def test_a_run_that_failed_says_why(server, start):
    start("raise ValueError('no such column: answer')").wait(30)
    until(lambda: not server.runs()[0]["live"])
    (seen,) = server.runs()
    assert (seen["icon"], seen["words"]) == ("bad", "Failed")
    assert "no such column: answer" in seen["error"]


@pytest.mark.parametrize("run_id", ["local:20260101-000000-00000000", "moon:1", "local:..", "local:%2e%2e"])
def test_what_is_no_run_is_said(server, run_id):
    for method in ("GET", "DELETE"):
        answer = server.ask(method, path_of(run_id))
        assert answer.status == 404
        assert answer.values["message"]


@pytest.mark.parametrize("query", ["shown=moon", "since=-1", "since=x", "since=²"])
def test_what_cannot_be_asked_for_is_refused(server, query):
    assert server.ask("GET", f"?{quote(query, safe='=')}").status == 400


def test_a_value_that_is_no_number_breaks_no_list(server, start):
    start("tell('log', step=1, metrics={'loss': float('nan')}); tell('log', step=2, metrics={'loss': 1.0})").wait(30)
    until(lambda: server.runs()[0]["live"] is False)
    assert server.runs()[0]["spark"] == [[2, 1.0]]
