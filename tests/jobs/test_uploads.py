"""A dataset of this machine, on the stand-in Hub for a job, by the real client; and away again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets import errors
from hfft_widgets.hub import repos
from hfft_widgets.hub.token import find_token
from hfft_widgets.jobs import uploads
from tests.hub_client.conftest import hub, use_hub
from tests.standin_hub import OTHER_TOKEN, READ_TOKEN

__all__ = ["hub"]
ROWS = [{"prompt": f"{n} + 1 =", "completion": f" {n + 1}", "more": None if n % 2 else [n]} for n in range(40)]
REPO = "user/sums"


@pytest.fixture
def report(tmp_path: Path) -> hfft.ValidationReport:
    path = tmp_path / "my sums.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return hfft.validate(str(path))


def test_the_report_reads_from_the_hub_then_and_nobody_else_does(hub, report, monkeypatch):
    seen = []
    found = hfft.upload(report, REPO, progress=lambda *done: seen.append(done))
    repo = hub.repo("datasets", REPO)
    assert repo.private
    assert found.reference == {"path": REPO, "name": None, "split": "train", "revision": repo.at().id}
    assert found.verdicts == report.verdicts
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] > 0
    assert "my sums" not in str(sorted(repo.at().files))  # what a file is called here is nobody's business
    use_hub(hub, monkeypatch, OTHER_TOKEN)
    with pytest.raises(errors.HubError):
        hfft.upload(report, REPO)


def test_a_job_loads_the_same_rows(hub, report, tmp_path):
    """In a process of its own, with nothing but the account: as `load_dataset(**DATASET)` of the script does it."""
    here = subprocess.run([sys.executable, "-c", _loads(report.reference)], capture_output=True, text=True, check=True)
    there = subprocess.run(
        [sys.executable, "-c", _loads(hfft.upload(report, REPO).reference)],
        env=hub.environment(home=tmp_path / "job"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(there.stdout.splitlines()[-1]) == json.loads(here.stdout.splitlines()[-1])
    assert json.loads(there.stdout.splitlines()[-1])[1][3] == ROWS[3]


def _loads(reference: dict) -> str:
    return f"""
import json
from datasets import load_dataset
dataset = load_dataset(**{dict(reference)!r})
print(json.dumps([str(dataset.features), dataset.to_list()]))
"""


def test_once_more_is_the_same_commit_and_other_rows_another(hub, report, tmp_path):
    first = hfft.upload(report, REPO)
    assert hfft.upload(report, REPO).reference == first.reference
    (tmp_path / "my sums.jsonl").write_text("\n".join(map(json.dumps, ROWS[1:])))
    other = hfft.upload(hfft.validate(report.reference["data_files"]), REPO)
    assert other.reference["revision"] != first.reference["revision"]


def test_what_is_public_or_somebody_elses_stays_as_it_is(hub, report):
    hub.add_dataset("user/talk", rows=ROWS, private=True)
    with pytest.raises(errors.HubError, match="not uploaded by this package"):
        hfft.upload(report, "user/talk")
    with pytest.raises(errors.HubError, match="not uploaded by this package"):
        hfft.delete_upload("user/talk")
    hfft.upload(report, REPO)
    hub.repo("datasets", REPO).private = False
    with pytest.raises(errors.HubError, match="not private"):
        hfft.upload(report, REPO)


def test_a_right_that_is_missing_is_said(hub, report, monkeypatch):
    use_hub(hub, monkeypatch, READ_TOKEN)
    with pytest.raises(errors.HubError, match="HTTP 403"):
        hfft.upload(report, REPO)
    use_hub(hub, monkeypatch, None)
    with pytest.raises(errors.HubError, match="Nobody is signed in"):
        hfft.upload(report, REPO)


def test_an_upload_that_is_stopped_is_not_seen(hub, report):
    def stop(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hfft.upload(report, REPO, progress=stop)
    assert repos.UPLOADED_FILE not in hub.repo("datasets", REPO).at().files


def test_only_what_lies_here_is_uploaded(hub, report):
    found = hfft.upload(report)
    assert found.reference["path"] == "user/my-sums-for-jobs"
    with pytest.raises(errors.DataError, match="not a dataset of this machine"):
        hfft.upload(found)


def test_it_is_deleted_when_nobody_reads_it(hub, report, monkeypatch):
    plan = {"data": {"reference": hfft.upload(report, REPO).reference}}
    assert uploads.uploaded_for(plan) == REPO

    class Reader:
        id = "jobs:user/1"
        stage = hfft.Stage.RUNNING

    reader = Reader()
    reader.plan = plan
    monkeypatch.setattr(uploads.index, "runs", lambda: [reader])
    with pytest.raises(errors.RunError, match="read by jobs:user/1"):
        hfft.delete_upload(REPO)
    reader.stage = hfft.Stage.COMPLETED
    hfft.delete_upload(REPO)
    assert uploads.uploaded_for(plan) is None
    with pytest.raises(errors.HubError, match="There is no dataset"):
        repos.readable(find_token(), "dataset", REPO)
    hfft.delete_upload(REPO)  # what is not there stays away
