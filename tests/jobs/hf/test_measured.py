from hfft_widgets.jobs.hf.measured import actuals, measured_overheads
from tests.jobs.far import TRAINS


def test_estimate_and_actual_are_kept(hub, far, go):
    run = go(TRAINS.replace("0.02", "0.1")).wait(60)
    (actual,) = actuals()
    assert (actual.run_id, actual.estimated_seconds, actual.flavor) == (run.id, 20.0, "cpu-basic")
    assert len(measured_overheads("cpu-basic")) == 1
    assert 0 <= measured_overheads()[0] <= actual.seconds
    assert measured_overheads("h200") == ()
