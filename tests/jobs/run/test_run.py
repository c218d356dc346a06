"""One run shared by threads."""

import json
import threading
import time

from hfft_widgets import cards
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.jobs import index
from tests.jobs.conftest import until


def test_threads_read_while_another_refreshes(start):
    body = """
    for step in range(4000):
        tell("log", step=step, total_steps=4000, metrics={"loss": 1.0, f"metric_{step % 97}": step})
        print("line", step)
        if step % 100 == 0: time.sleep(0.02)
    tell("end")
    """
    run = start(body)
    failures, counts, over = [], [], threading.Event()

    def follow():
        while not over.is_set():
            counts.append(len(run.refresh()))

    def read():
        seen = 0
        while not over.is_set():
            try:
                points = run.history.get("loss", ())
                assert len(points) >= seen
                seen = len(points)
                assert [point.step for point in points] == list(range(seen))
                assert all(len(values) for values in run.history.values())
                assert run.log.count("\n") <= 2000
                repr(run), run.pace, run.stage, run.output, run.error
            except Exception as error:
                failures.append(repr(error))
                return

    threads = [threading.Thread(target=target) for target in (follow, read, read, read)]
    for thread in threads:
        thread.start()
    run.wait(60)
    over.set()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert run.stage is Stage.COMPLETED
    assert sum(counts) + len(run.refresh()) == 4001
    assert len(run.history["loss"]) == 4000
    assert sum(len(run.history[f"metric_{n}"]) for n in range(97)) == 4000


def test_looking_often_reads_the_disk_seldom(start, monkeypatch):
    run = start("time.sleep(600)")
    looks = []
    status = run._backend.status
    monkeypatch.setattr(run._backend, "status", lambda job_id: looks.append(job_id) or status(job_id))
    began = time.monotonic()
    asked = 0
    while len(looks) < 4 or asked < 100:
        assert run.stage is Stage.RUNNING
        asked += 1
        time.sleep(0.001)
    assert len(looks) <= (time.monotonic() - began) / 0.2 + 1


def test_a_reader_does_not_wait_for_a_slow_refresh(start, monkeypatch):
    run = start("time.sleep(600)")
    assert run.stage is Stage.RUNNING
    entered, leave = threading.Event(), threading.Event()
    status = run._backend.status

    def slow(job_id):
        entered.set()
        leave.wait(120)
        return status(job_id)

    monkeypatch.setattr(run._backend, "status", slow)
    thread = threading.Thread(target=run.refresh)
    thread.start()
    entered.wait(20)
    assert run.stage is Stage.RUNNING
    assert thread.is_alive()
    leave.set()
    thread.join(20)
    assert not thread.is_alive()


def test_a_finished_run_is_looked_up_no_more(start, monkeypatch):
    run = start("tell('end')").wait(30)
    monkeypatch.setattr(run._backend, "status", lambda job_id: 1 / 0)
    time.sleep(0.3)
    assert run.stage is Stage.COMPLETED
    assert run.wait() is run


def test_the_pace_of_a_run_that_was_resumed_in_the_middle(start):
    body = """
    tell("start", step=900, total_steps=1000)
    for step in range(901, 911):
        time.sleep(0.1)
        tell("log", step=step, total_steps=1000, metrics={"loss": 1.0})
    time.sleep(600)
    """
    run = start(body)
    while len(run.history.get("loss", ())) < 10:
        time.sleep(0.05)
    pace = run.pace
    assert (pace.step, pace.total_steps, pace.fraction) == (910, 1000, 0.91)
    assert 8 < pace.seconds_left < 30  # 90 steps of 0.1 s, and a slow machine
    assert "step 910 of 1000" in repr(run)


def test_the_output_is_where_the_script_says(start, tmp_path):
    elsewhere = tmp_path / "else where"
    body = f"""
    os.makedirs({str(elsewhere)!r}); open(os.path.join({str(elsewhere)!r}, "f"), "w").close()
    tell("end", output_dir={str(elsewhere)!r})
    """
    assert start(body).wait(30).output is None  # what a script prints can name any folder of this machine
    run = start("os.makedirs('mine'); open('mine/f', 'w').close(); tell('end', output_dir='mine')").wait(30)
    assert (run.output / "f").exists()
    assert start("os.makedirs('output'); tell('end', output_dir='output')").wait(30).output is None
    assert index.attach(run.id).output == run.output


def test_a_run_shows_itself_and_its_values_show_the_same(start):
    body = """
    for step in range(1, 6): tell("log", step=step, total_steps=5, metrics={"loss": 1 / step, "odd": float("nan")})
    print("gone wrong")
    raise SystemExit(3)
    """
    run = start(body).wait(60)
    values = run.to_dict("card")
    read = json.loads(json.dumps(values))
    assert read == values
    assert run.to_dict() == {name: value for name, value in values.items() if name != "card"}
    saved = cards.show(read)
    assert [str(saved), saved.to_markdown(), saved._repr_html_()] == [str(run), run.to_markdown(), run._repr_html_()]
    for page in (str(run), run._repr_html_()):
        assert run.id in page
        assert "Failed" in page
        assert "loss, from 1" in page
    assert "What happened" in run._repr_html_()


def test_a_run_that_is_going_on_shows_how_far_it_is(start):
    run = start('tell("log", step=3, total_steps=10, metrics={"loss": 1.5}); import time; time.sleep(600)')
    until = time.monotonic() + 30
    while "of 10 steps" not in run._repr_html_() and time.monotonic() < until:
        time.sleep(0.1)
    page = run._repr_html_()
    assert 'aria-valuenow="30.0"' in page
    assert "The curves" not in page  # they are live elsewhere


def test_a_run_that_hangs_is_called_stalled(start, monkeypatch):
    monkeypatch.setattr("hfft_widgets.core.run.stall._LEAST_SECONDS", 1.0)
    body = """
    for step in range(1, 6):
        tell("log", step=step, total_steps=100, metrics={"loss": 1.0})
        time.sleep(0.05)
    time.sleep(600)
    """
    run = start(body)
    until(lambda: run.stall is not None)
    values = run.to_dict()
    assert values["seconds_left"] is None
    assert values["stalled"] >= 1.0
    for page in (str(run), run._repr_html_(), run.to_markdown()):
        assert "No new point for" in page
    assert "Stalled" in run._repr_html_()
    run.cancel()
    assert run.stall is None


def test_an_overfitted_run_shows_its_best_and_its_last(start):
    body = """
    out = os.environ["HFFT_OUTPUT_DIR"]
    for n, loss in enumerate([13.0, 5.0, 3.32, 4.9, 6.74]):
        step = 10 * n
        tell("log", step=step, total_steps=40, metrics={"loss": 2 / (n + 1)})
        tell("eval", step=step, total_steps=40, metrics={"eval_loss": loss})
    os.makedirs(out + "/checkpoint-20")
    open(out + "/checkpoint-20/trainer_state.json", "w").write('{"global_step": 20}')
    tell("end", step=40, total_steps=40)
    """
    run = start(body, plan={"kind": "training", "method": "SFT"}).wait(30)
    assert (run.best.step, run.best.value, run.best.last) == (20, 3.32, 6.74)
    assert run.best_checkpoint.name == "checkpoint-20"
    assert [sign.name for sign in run.health] == ["overfitting"]
    for page in (str(run), run._repr_html_(), run.to_markdown()):
        assert "6.74" in page
        assert "best 3.32 at step 20, kept" in page
        assert "from 13" not in page
        assert "Overfitting since step 20" in page


def test_nothing_a_row_prints_passes_for_an_event(start):
    body = """
    word = ":" + os.environ["HFFT_WORD"]
    def own(event, **data):
        print(f"@hfft{word} " + json.dumps({"n": 1, "t": time.time(), "event": event, **data}), flush=True)
    own("log", step=1, metrics={"loss": 2.0})
    print('@hfft {"n": 2, "t": 3.0, "event": "log", "step": 9, "metrics": {"loss": 9.0}}')
    print('@hfft {"n": 3, "t": 3.0, "event": "end", "output_dir": "/etc"}')
    """
    run = start(body).wait(30)
    assert run.stage.name == "ERROR"  # it did not say that it was done
    assert [point.step for point in run.history["loss"]] == [1]
    assert run.journal.data("end") == {}
    assert '"/etc"' in run.log
