"""Starting and reading runs on this machine, with real processes."""

import errno
import os
import re
import sys
import time
from pathlib import Path

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, MissingExtraError, RunError, RunNotFoundError
from hfft_widgets.jobs import checks, index, rundir, supervisor
from hfft_widgets.jobs.local import LocalBackend

from .conftest import lives, state_of, submission, until

CURVE = """
for step in range(1, 6):
    tell("log", step=step, total_steps=5, epoch=step / 5, metrics={"loss": 1 / step})
print("a line for people")
os.makedirs(os.environ["HFFT_OUTPUT_DIR"])
open(os.path.join(os.environ["HFFT_OUTPUT_DIR"], "model.bin"), "wb").write(b"weights")
tell("end", output_dir=os.environ["HFFT_OUTPUT_DIR"])
"""


def test_a_run_to_its_end(start):
    run = start(CURVE, title="SFT of a model").wait(30)
    assert run.stage is Stage.COMPLETED
    assert [(point.step, point.value) for point in run.history["loss"]] == [(n, 1 / n) for n in range(1, 6)]
    assert run.log == "a line for people"
    assert run.error is None
    assert run.cost_usd == 0.0
    assert (run.output / "model.bin").read_bytes() == b"weights"
    assert (run.kind, run.title, run.plan) == ("training", "SFT of a model", {"method": "SFT"})
    assert re.fullmatch(r"local:\d{8}-\d{6}-[0-9a-f]{8}", run.id)
    assert run.pace.fraction == 1.0
    assert run.pace.seconds_left is None
    status = run.status
    assert status.exit_code == 0
    assert status.created <= status.started <= status.finished <= time.time()
    assert repr(run) == f"Run('{run.id}', 'SFT of a model', COMPLETED, step 5 of 5)"


def test_a_crash_shows_its_exception(start):
    run = start("print('before')\nraise ValueError('a very special reason')").wait(30)
    assert run.stage is Stage.ERROR
    assert run.status.exit_code == 1
    assert "ValueError: a very special reason" in run.error
    assert "Traceback" in run.log
    assert run.output is None


def test_an_exit_code_without_a_word(start):
    run = start("print('the last line')\nsys.exit(3)").wait(30)
    assert (run.stage, run.status.exit_code) == (Stage.ERROR, 3)
    assert "code 3" in run.error
    assert "the last line" in run.error


def test_an_end_without_the_word_is_no_success(start):
    run = start("print('hm')").wait(30)
    assert (run.stage, run.status.exit_code) == (Stage.ERROR, 0)
    assert "without telling that it was done" in run.error


def test_the_word_without_the_code_is_no_success(start):
    run = start("tell('end')\nsys.stdout.flush()\nos._exit(7)").wait(30)
    assert run.stage is Stage.ERROR
    assert "code 7" in run.error


def test_the_script_is_told_its_surroundings_and_nothing_of_them_is_kept(start, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_thisMustNotBeWritten")
    body = """
    print(os.environ["EXTRA"], sys.stdin.read() == "", os.getcwd() == os.path.dirname(os.environ["HFFT_OUTPUT_DIR"]))
    print("has token", os.environ["HF_TOKEN"].startswith("hf_"), "leads its session", os.getsid(0) == os.getpid())
    print("größe", file=sys.stderr)
    tell("end")
    """
    run = start(body, environment={"EXTRA": "7-of-9"}).wait(30)
    assert run.log.splitlines() == ["7-of-9 True True", "has token True leads its session True", "größe"]
    kept = [path for path in folders.data("runs").rglob("*") if path.is_file() and path.name != supervisor.LOG]
    assert {path.name for path in kept} >= {supervisor.STATE, supervisor.SUBMISSION, supervisor.SCRIPT}
    for path in kept:
        assert b"hf_thisMust" not in path.read_bytes()
        assert b"7-of-9" not in path.read_bytes()
    assert run.submission.environment == {}


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


def test_a_log_of_any_bytes(start):
    body = r"""
    sys.stdout.buffer.write(bytes(range(256)) * 40 + b"\n\xff\xfe half \xe6\n\x1b[31mred\x1b[0m\n 10%\r 99%\n")
    sys.stdout.flush()
    tell("log", step=1, metrics={"loss": 2.0})
    tell("end")
    """
    run = start(body).wait(30)
    assert run.stage is Stage.COMPLETED
    assert run.history["loss"][0].value == 2.0
    assert run.log.split("\n")[-2:] == ["red", " 99%"]


def test_a_long_log_is_read_as_it_grows(start, tmp_path):
    body = f"""
    for step in range(50_000):
        print("line", step)
        tell("log", step=step, total_steps=50_000, metrics={{"loss": step / 7}})
        while step % 10_000 == 9_999 and not os.path.exists({str(tmp_path)!r} + f"/{{step}}"):
            time.sleep(0.01)
    tell("end")
    """
    run = start(body)
    seen = []
    for last in range(9_999, 50_000, 10_000):  # it writes on once this much was read
        until(lambda last=last: seen.extend(run.refresh()) or len(seen) == last + 1)
        assert not run.stage.final
        (tmp_path / str(last)).touch()
    assert run.wait(30).stage is Stage.COMPLETED
    assert len(seen + run.refresh()) == 50_001
    assert [point.step for point in run.history["loss"]] == list(range(50_000))
    assert run.log.splitlines()[-1] == "line 49999"
    assert run.journal.position == (folders.data("runs", run.id[6:]) / supervisor.LOG).stat().st_size


def test_every_event_is_handed_out_once(start):
    run = start("for n in range(300): tell('log', step=n); time.sleep(0.002)\ntell('end')")
    seen = []
    while not run.stage.final:  # looking at a property must take nothing away from refresh
        assert run.pace is not None
        seen += run.refresh()
    seen += run.refresh()
    assert [event.n for event in seen] == list(range(301))


def test_a_missing_module_is_named_with_its_extra(local):
    before = set(sys.modules)
    with pytest.raises(MissingExtraError, match=r'pip install "hfft-widgets\[train\]"') as caught:
        local.submit(submission("", modules={"json": "train", "no_such_module_here": "train"}))
    assert caught.value.module == "no_such_module_here"
    with pytest.raises(MissingExtraError, match="Exporting on this machine"):
        local.submit(submission("", kind="export", modules={"no_such_package.part": "gguf"}))
    assert local.ids() == []
    assert set(sys.modules) == before


def test_looking_for_a_module_does_not_import_it(local):
    sys.modules.pop("this", None)
    local.submit(submission("tell('end')", modules={"this": "train"}))
    assert "this" not in sys.modules


def test_too_little_disk_is_told_with_figures(local):
    with pytest.raises(LaunchError, match=r"needs 1000000 TB of free disk, but only .* free") as caught:
        local.submit(submission("", disk_bytes=10**18))
    assert "HFFT_HOME" in caught.value.remedy
    assert local.ids() == []


@pytest.mark.parametrize(
    ("number", "word"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "permission"), (errno.EIO, "could not be written")],
)
def test_a_disk_that_refuses(number, word, local, monkeypatch):
    def refuse(path, value):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(supervisor, "write_json", refuse)
        with pytest.raises(LaunchError, match=word) as caught:
            local.submit(submission(""))
    assert caught.value.remedy
    assert not [path for path in folders.data("runs").iterdir() if path.name != ".lock"]


def test_a_home_that_cannot_be_made(tmp_path, monkeypatch, local):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "file"))
    with pytest.raises(LaunchError, match="could not be written"):
        local.submit(submission(""))
    assert local.ids() == []
    assert index.runs() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_while_it_runs(start):
    run = start("open('/dev/full', 'w').write('x' * 100_000)").wait(30)
    assert run.stage is Stage.ERROR
    assert "disk is full" in run.error


def test_a_supervisor_that_does_not_start(local, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(LaunchError, match=r"could not be started.*/no/such/python"):
        local.submit(submission(""))
    assert local.ids() == []


def test_ids_sort_by_time():
    ids = [rundir.new_id(1_795_000_000 + n / 1000) for n in range(2000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2000


def test_the_index_knows_the_newest_first(start):
    runs = [start("tell('end')") for _ in range(3)]
    assert [run.id for run in index.runs()] == [run.id for run in reversed(runs)]
    assert index.disk_bytes() > 0


def test_launch_and_places(home):
    run = index.launch(submission(CURVE), on="local").wait(30)
    assert run.stage is Stage.COMPLETED
    with pytest.raises(LaunchError, match=r"no place called 'moon'.*local"):
        index.launch(submission(CURVE), on="moon")


def test_an_unknown_id_lists_those_known(start):
    with pytest.raises(RunNotFoundError, match="No run is kept here"):
        index.attach("local:20200101-000000-00000000")
    run = start("tell('end')")
    for unknown in ("local:20200101-000000-00000000", "local:../../etc", "local:", "nonsense", "", "mars:1"):
        with pytest.raises(RunNotFoundError, match=run.id):
            index.attach(unknown)


@pytest.mark.parametrize("damage", ["remove", b"", b"{", b"[1]", b'{"kind": "training"}', b"\xff\xfe"])
def test_a_damaged_folder_is_left_out_and_can_be_forgotten(damage, start):
    good, bad = start("tell('end')"), start("tell('end')").wait(30)
    path = folders.data("runs", bad.id[6:]) / supervisor.SUBMISSION
    path.unlink() if damage == "remove" else path.write_bytes(damage)
    (folders.data("runs") / "notes.txt").write_text("not a run")
    assert [run.id for run in index.runs()] == [good.id]
    assert index.damaged() == [bad.id]
    with pytest.raises(RunNotFoundError, match="damaged"):
        index.attach(bad.id)
    index.forget(bad.id)
    assert index.damaged() == []


def test_forget(start):
    run = start("time.sleep(60)")
    with pytest.raises(RunError, match="is live"):
        index.forget(run.id)
    run.cancel()
    finished = index.attach(run.id)
    assert finished.stage is Stage.CANCELED
    watched = index.attach(run.id)
    index.forget(run.id)
    assert index.runs() == []
    assert [path.name for path in folders.data("runs").iterdir()] == [".lock"]
    with pytest.raises(RunNotFoundError):
        index.forget(run.id)
    assert finished.stage is Stage.CANCELED  # what was read stays readable
    with pytest.raises(RunNotFoundError):
        assert watched.stage


def test_a_run_that_is_deleted_while_it_is_watched(start):
    run = start("time.sleep(60)")
    watched = index.attach(run.id)
    assert watched.stage is Stage.RUNNING
    run.cancel()
    LocalBackend().forget(run.id[6:])
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


def test_nothing_is_left_running_after_the_end(start):
    run = start("child = subprocess.Popen(['sleep', '600']); print(child.pid); tell('end')").wait(30)
    assert run.stage is Stage.COMPLETED
    assert not lives(int(run.log))
    until(lambda: not lives(state_of(run.id[6:])["supervisor"]["pid"]))


def test_the_supervisor_costs_little(start):
    import psutil

    run = start("time.sleep(60)")
    watcher = psutil.Process(state_of(run.id[6:])["supervisor"]["pid"])
    before = sum(watcher.cpu_times()[:2])
    time.sleep(3)
    assert sum(watcher.cpu_times()[:2]) - before < 0.3
    assert watcher.memory_info().rss < 60e6


def test_modules_known_without_a_spec(monkeypatch):
    monkeypatch.setitem(sys.modules, "made_by_hand", type(sys)("made_by_hand"))
    checks.check_modules({"made_by_hand": "train"}, "Training")
