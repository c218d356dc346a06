"""A trainer of one's own shows itself as a run: live, ended, broken and cancelled."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.run.stage import Stage


class DPOConfig:
    """What a trainer's arguments look like to a callback."""

    learning_rate = 1e-4
    per_device_train_batch_size = 4
    output_dir = "trained"
    world_size = 1


class Trainer:
    """The order in which transformers calls a callback."""

    def __init__(self, callback, steps: int, fails_at: int = -1, pause: float = 0.0) -> None:
        self.callback, self.steps, self.fails_at, self.pause = callback, steps, fails_at, pause

    def train(self) -> int:
        state = SimpleNamespace(global_step=0, max_steps=self.steps, epoch=0.0, is_world_process_zero=True)
        args = DPOConfig()
        control = SimpleNamespace(should_save=False, should_training_stop=False)
        model = SimpleNamespace(config=SimpleNamespace(_name_or_path="me/mine"), peft_config={"default": 1})
        self.callback.on_train_begin(args, state, control, model=model)
        while state.global_step < self.steps and not control.should_training_stop:
            state.global_step += 1
            if state.global_step == self.fails_at:
                raise RuntimeError("out of luck")
            self.callback.on_step_end(args, state, control)
            self.callback.on_log(args, state, control, logs={"loss": 1 / state.global_step, "epoch": 1.0})
            time.sleep(self.pause)
        self.callback.on_train_end(args, state, control)
        return state.global_step


@pytest.fixture
def callback(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.delenv("HFFT_WORD")
    return hfft.TrainerCallback()


def test_a_training_of_ones_own_is_a_run(callback):
    assert Trainer(callback, 5).train() == 5
    run = hfft.attach(callback.run_id)
    assert run.stage is Stage.COMPLETED
    assert run.title == "DPO of mine"
    assert [point.value for point in run.history["loss"]] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert run.plan["settings"]["learning_rate"] == 1e-4
    assert run.plan["settings"]["batch_size"] == 4
    assert [one.id for one in hfft.runs(on="local")] == [run.id]
    assert "DPO of mine" in run.to_html()
    run.delete()
    assert hfft.runs(on="local") == []


def test_one_that_breaks_says_so_though_the_process_lives(callback):
    with pytest.raises(RuntimeError, match="out of luck"):
        Trainer(callback, 5, fails_at=3).train()
    run = hfft.attach(callback.run_id).wait(10)
    assert run.stage is Stage.ERROR
    assert run.pace.step == 2


def test_one_that_is_cancelled_ends_after_its_step(callback):
    done = []
    thread = threading.Thread(target=lambda: done.append(Trainer(callback, 1000, pause=0.02).train()))
    thread.start()
    while not callback.run_id:
        assert thread.is_alive()
        time.sleep(0.01)
    run = hfft.attach(callback.run_id)
    assert run.stage is Stage.RUNNING
    run.cancel()
    thread.join(10)
    assert done[0] < 1000
    run.refresh()
    assert run.stage is Stage.CANCELED


def test_inside_a_run_of_ours_it_is_told_to_that_run(monkeypatch, capsys):
    monkeypatch.setenv("HFFT_WORD", "abcd")
    callback = hfft.TrainerCallback()
    Trainer(callback, 1).train()
    assert callback.run_id == ""
    assert '"event": "log"' in capsys.readouterr().out
    assert hfft.runs(on="local") == []
