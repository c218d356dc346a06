"""Many runs as a table, and what is forecast of one."""

from __future__ import annotations

import hfft_widgets as hfft
from tests.jobs.conftest import until


def test_runs_are_rows_with_their_settings_and_what_they_came_to(start, home):
    settings = {"method": "SFT", "model": "a/b", "settings": {"learning_rate": 0.1}}
    start("tell('log', step=1, metrics={'loss': 2.0})\ntell('log', step=2, metrics={'loss': 1.5})\ntell('end')",
          plan=settings).wait(30)  # fmt: skip
    last = start("raise SystemExit(3)").wait(30)
    frame = hfft.runs_frame()
    assert next(iter(frame["id"])) == last.id
    assert list(frame["stage"]) == ["ERROR", "COMPLETED"]
    assert frame["settings.learning_rate"][1] == 0.1
    assert (frame["loss"][1], frame["verdict"][1]) == (1.5, "unknown")
    frame.to_csv(home / "runs.csv")
    assert "settings.learning_rate" in (home / "runs.csv").read_text()


def test_a_run_says_what_its_rest_buys(start):
    body = """
    for step in range(10, 70, 10):
        tell("eval", step=step, total_steps=200, metrics={"eval_loss": 1 + 10 / step})
    time.sleep(60)
    """
    run = start(body)
    until(lambda: run.forecast is not None and run.forecast.share == 0.3)
    found = run.to_dict()["forecast"]
    assert found["low"] <= 1.05 <= found["high"]
    assert abs(found["final"] - 1.05) < 0.07
    assert "buys about" in found["words"]
    run.cancel()
    assert run.forecast is None
