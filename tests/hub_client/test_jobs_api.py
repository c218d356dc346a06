import base64
import dataclasses
import random
import time
import zlib

import pytest

from hfft_widgets.core.plan.hardware import FLAVORS
from hfft_widgets.hub import repos
from hfft_widgets.hub.account import account
from hfft_widgets.hub.hardware import TABLE, hardware
from hfft_widgets.hub.jobs_api import (
    INLINE_BYTES,
    SCRIPT_VARIABLE,
    SHOWN_VARIABLE,
    JobRequest,
    JobsApi,
    label,
    read_job,
)
from hfft_widgets.hub.outcomes import HubRefusedError, HubUnsureError
from hfft_widgets.hub.preflight import preflight
from hfft_widgets.hub.streams.metrics import read_metrics
from hfft_widgets.hub.token import Token, find_token
from tests.standin_hub import POOR_TOKEN, READ_TOKEN, WRITE_TOKEN

LABELS = {"hfft": "1", "hfft_run": "abc"}


@pytest.fixture
def api(hub):
    return JobsApi(find_token())


def request(script="print('hello')", **changes):
    values = JobRequest("user", script, "cpu-basic", 300, LABELS, "a-job")
    return dataclasses.replace(values, **changes)


def until_over(api, job_id):
    deadline = time.monotonic() + 30
    while not (facts := api.inspect("user", job_id)).final:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return facts


def test_a_script_runs_with_the_token_as_a_secret_only(hub, api):
    script = "import os\nprint(os.environ['HF_TOKEN'][:3], os.environ['PYTHONUNBUFFERED'], 'caf\u00e9')"
    facts = until_over(api, api.submit(request(script)).id)
    assert facts.stage == "COMPLETED"
    assert facts.script == script
    job = hub.jobs[facts.id]
    assert b"hf_ 1 caf" in b"".join(job.log.events(0, 10))
    assert job.spec["timeoutSeconds"] == 300
    spec = {name: value for name, value in job.spec.items() if name != "secrets"}
    assert WRITE_TOKEN not in str(spec)
    assert job.spec["secrets"] == {"HF_TOKEN": WRITE_TOKEN}
    assert not any("bucket" in entry.path for entry in hub.journal)
    assert all(entry.path.startswith("/api/jobs/user") for entry in hub.journal)  # nobody asked who one is


def test_a_long_script_travels_compressed(hub, api):
    script = "print('Ü, and long')\n#" + "x" * INLINE_BYTES
    facts = until_over(api, api.submit(request(script)).id)
    assert facts.stage == "COMPLETED", hub.jobs[facts.id].log.events(0, 9)
    assert facts.script == script  # any machine can show it
    assert b"and long" in b"".join(hub.jobs[facts.id].log.events(0, 10))
    assert not any("bucket" in entry.path for entry in hub.journal)


def test_a_script_that_is_too_long_even_so_goes_through_a_bucket(hub, api, capfd):
    script = "print('long')\n#" + random.Random(0).randbytes(2 * INLINE_BYTES).hex()
    facts = until_over(api, api.submit(request(script)).id)
    assert facts.stage == "COMPLETED", hub.jobs[facts.id].log.events(0, 9)
    assert b"long" in b"".join(hub.jobs[facts.id].log.events(0, 10))
    assert capfd.readouterr().out == ""


def test_a_script_that_is_no_script():
    told = {"id": "1", "status": {"stage": "RUNNING"}}
    bomb = base64.b64encode(zlib.compress(b"#" * 2**27)).decode()
    assert len(read_job({**told, "environment": {SHOWN_VARIABLE: bomb}}, "user").script) <= 2**24
    for name in (SCRIPT_VARIABLE, SHOWN_VARIABLE):
        for text in ("", "%%%", "AAAA", "/w=="):
            assert read_job({**told, "environment": {name: text}}, "user").script in {None, "", "\0\0\0"}


def test_looking_for_jobs_by_label_over_pages(hub, api):
    hub.state.page_size = 3
    made = [hub.jobs.add([], labels={"hfft": "1", "k": str(n)}).id for n in range(8)]
    hub.jobs.add([], labels={"other": "1"})
    assert [facts.id for facts in api.labelled("user", {"hfft": "1"})] == made[::-1]
    assert [facts.id for facts in api.labelled("user", {"k": "5"})] == [made[5]]
    hub.jobs[made[2]].set_stage("COMPLETED")
    assert made[2] not in [facts.id for facts in api.live("user", {"hfft": "1"})]


def test_the_token_does_not_follow_a_link_to_another_place(hub, api):
    hub.jobs.add([], labels=LABELS)
    hub.fault("/api/jobs/user$", status=200, body=[], headers={"Link": '<http://127.0.0.1:9/x>; rel="next"'})
    assert api.labelled("user", LABELS) == []


def test_cancel(hub, api):
    job = hub.jobs.add([])
    api.cancel("user", job.id)
    assert api.inspect("user", job.id).stage == "CANCELED"
    with pytest.raises(HubRefusedError) as caught:
        api.cancel("user", "0" * 24)
    assert caught.value.status == 404


def test_refusals_and_silence_differ(hub, api):
    with pytest.raises(HubRefusedError, match="billing") as caught:
        JobsApi(Token(POOR_TOKEN, "a test")).submit(request(namespace="poor"))
    assert caught.value.status == 402
    with pytest.raises(HubRefusedError) as caught:
        JobsApi(Token(READ_TOKEN, "a test")).submit(request())
    assert caught.value.status == 403
    for fault in ({"lost": True}, {"status": 502}, {"refused": True}):
        hub.fault("/api/jobs/user$", method="POST", **fault)
        with pytest.raises(HubUnsureError):
            api.submit(request())


def test_unknown_fields_and_stages_are_read(hub, api):
    job = hub.jobs.add([])
    hub.fault("/api/jobs/user/", merge={"status": {"stage": "paused"}, "new": {"a": 1}, "durations": None}, times=None)
    facts = api.inspect("user", job.id)
    assert (facts.stage, facts.final, facts.running_seconds) == ("PAUSED", False, None)
    with pytest.raises(HubUnsureError, match="cannot be read"):
        read_job({"id": "1", "status": None}, "user")


def test_something_that_is_not_the_hub(hub, api):
    hub.fault("/api/jobs/user/", status=200, body="<html>", headers={"content-type": "text/html"})
    job = hub.jobs.add([])
    hub.fault("/logs$", status=200, body="<html>")
    from hfft_widgets.hub.wire import Interrupt

    with (
        pytest.raises(HubUnsureError, match="not the Hub"),
        api.wire.stream(f"/api/jobs/user/{job.id}/logs", action="read", interrupt=Interrupt(), read_seconds=5),
    ):
        pass


def test_live_prices_and_the_table(hub, monkeypatch):
    live = hardware()
    assert live.live
    by_name = {flavor.name: flavor for flavor in live.flavors}
    for known in FLAVORS:
        if known.name in by_name:
            assert by_name[known.name] == known
    assert (by_name["a100x4"].gpus, by_name["a100x4"].usd_per_hour) == (4, 10.0)
    assert by_name["a100x4"].memory_bytes == by_name["a100-large"].memory_bytes
    assert by_name["cpu-basic"].gpus == 0
    assert [f.usd_per_hour for f in live.flavors] == sorted(f.usd_per_hour for f in live.flavors)
    hub.state.jobs.hardware[6]["unitCostUSD"] = 0.5
    assert hardware() is live  # kept for a while
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert hardware() is TABLE


def test_a_price_in_a_unit_that_is_not_known_is_left_out(hub):
    hub.state.jobs.hardware[0]["unitLabel"] = "fortnight"
    hub.state.jobs.hardware[1]["unitLabel"] = "hour"
    found = {flavor.name: flavor.usd_per_hour for flavor in hardware().flavors}
    assert "cpu-basic" not in found
    assert found["cpu-upgrade"] == round(hub.state.jobs.hardware[1]["unitCostUSD"], 4)


def test_labels_fit():
    assert label("a" * 200) == "a" * 100
    assert label("org/na me:\u2028x") == "org--na-me--x"


def test_preflight(hub, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text("{}")
    hub.add_model(tmp_path / "m", "acme/open")
    hub.add_model(tmp_path / "m", "other/gated", gated="auto")
    hub.add_dataset("acme/talk", rows=[{"text": "a"}])
    checks = {
        (check.name, check.message.split()[-1] if check.name in {"Model", "Dataset"} else ""): check
        for check in preflight(account(), "acme", push_to="user/new", models=("acme/open",), datasets=("acme/talk",))
    }
    assert all(check.passed is not False for check in checks.values()), checks
    assert [check.passed for check in preflight(account(), "nobody") if check.name == "Namespace"] == [False]
    reader = account(Token(READ_TOKEN, "a test"))
    failed = [c.name for c in preflight(reader, "user", push_to="user/new") if c.passed is False]
    assert failed == ["Namespace", "Result"]
    failed = {c.name: c for c in preflight(account(), "user", models=("other/gated", "no/such"), datasets=("no/data",))}
    assert failed["Dataset"].passed is False
    assert "no/data" in failed["Dataset"].message
    gated = [c for c in preflight(account(), "user", models=("other/gated",)) if c.name == "Model"]
    assert gated[0].passed is False
    assert "Accept its terms" in gated[0].remedy
    assert [entry for entry in hub.journal if entry.method == "POST"] == []


def test_repositories(hub):
    token = find_token()
    assert repos.pushed(token, "user/model") is None
    repos.create_model_repo(token, "user/model")
    repos.create_model_repo(token, "user/model")
    assert hub.repo("models", "user/model").private
    found = repos.pushed(token, "user/model")
    assert (found.checkpoint, [file.path for file in found.files]) == (False, [".gitattributes"])
    with pytest.raises(HubRefusedError, match="name of a repository"):
        repos.pushed(token, "user/a b//c")


def test_use_of_the_machine():
    gpu = {"utilization": 91, "memory_used_bytes": 5, "memory_total_bytes": 9}
    use = read_metrics(
        b'{"cpu_usage_pct": 12.5, "memory_used_bytes": 1, "memory_total_bytes": 2, "gpus": {"0": %s}}'
        % str(gpu).replace("'", '"').encode()
    )
    assert (use.cpu_percent, use.gpus[0].percent, use.gpus[0].memory_bytes) == (12.5, 91.0, 5)
    for broken in (b"", b"{}", b"[]", b'{"memory_used_bytes": "x", "memory_total_bytes": 1}', b'{"gpus": 3}'):
        assert read_metrics(broken) is None
