"""The folder of a run: whole or not there, of any name, deleted, damaged."""

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import RunError, RunNotFoundError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.local import run_folder, supervisor
from hfft_widgets.jobs.local.backend import LocalBackend


@pytest.mark.parametrize("name", ["with space", "quote'\"s", "größe-模型-é", "$HOME `x` & %TEMP%", "-c"])
def test_any_folder_name_will_do(name, tmp_path, monkeypatch, start):
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / name))
    run = start("print('ok'); tell('end')").wait(30)
    assert (run.stage, run.log) == (Stage.COMPLETED, "ok")
    assert run.output is None
    assert index.attach(run.id).submission.title == "A run"


def test_names_and_scripts_of_any_letters(start):
    run = start(
        "print('模型 \\u2028 é')\ntell('end')", title="SFT of 模型 \"'<b>", plan={"name": "\u2028", "x": None}
    ).wait(30)
    assert run.stage is Stage.COMPLETED
    assert run.log == "模型 \u2028 é"
    other = index.attach(run.id)
    assert (other.title, other.plan) == ("SFT of 模型 \"'<b>", {"name": "\u2028", "x": None})
    assert other.script == run.script


def test_ids_sort_by_time():
    ids = [run_folder.new_id(1_795_000_000 + n / 1000) for n in range(2000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2000


@pytest.mark.parametrize("damage", ["remove", b"", b"{", b"[1]", b'{"kind": "training"}', b"\xff\xfe"])
def test_a_damaged_folder_is_left_out_and_can_be_deleted(damage, start):
    good, bad = start("tell('end')"), start("tell('end')").wait(30)
    path = folders.data("runs", bad.id[6:]) / supervisor.SUBMISSION
    path.unlink() if damage == "remove" else path.write_bytes(damage)
    (folders.data("runs") / "notes.txt").write_text("not a run")
    assert [run.id for run in index.runs()] == [good.id]
    (found,) = index.runs(damaged=True)
    assert found.id == bad.id
    assert found.disk_bytes > 0
    with pytest.raises(RunNotFoundError, match="damaged"):
        index.attach(bad.id)
    found.delete()
    assert index.runs(damaged=True) == []


def test_delete(start):
    run = start("time.sleep(60)")
    with pytest.raises(RunError, match="is live"):
        run.delete()
    run.cancel()
    finished = index.attach(run.id)
    assert finished.stage is Stage.CANCELED
    watched = index.attach(run.id)
    run.delete()
    assert index.runs() == []
    assert [path.name for path in folders.data("runs").iterdir()] == [".lock"]
    with pytest.raises(RunNotFoundError):
        run.delete()
    assert finished.stage is Stage.CANCELED  # what was read stays readable
    with pytest.raises(RunNotFoundError):
        assert watched.stage


def test_a_run_that_is_deleted_while_it_is_watched(start):
    run = start("time.sleep(60)")
    watched = index.attach(run.id)
    assert watched.stage is Stage.RUNNING
    run.cancel()
    LocalBackend().delete(run.id[6:])
    assert watched.wait(10).stage is Stage.DELETED
    assert "deleted" in watched.error
    assert "DELETED" in repr(watched)


def test_leftovers_of_cut_starts_are_cleared(start):
    root = folders.data("runs")
    root.mkdir(parents=True)
    (root / ".new-20200101-000000-00000000").mkdir()
    (root / ".gone-20200101-000000-00000000").mkdir()
    assert index.runs() == []
    start("tell('end')")
    assert len(list(root.iterdir())) == 2
