"""One run shared by threads."""

import threading
import time

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.jobs import index


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
    assert start(body).wait(30).output == elsewhere
    run = start("os.makedirs('mine'); open('mine/f', 'w').close(); tell('end', output_dir='mine')").wait(30)
    assert (run.output / "f").exists()
    assert start("os.makedirs('output'); tell('end', output_dir='output')").wait(30).output is None
    assert index.attach(run.id).output == run.output
