"""The checkpoint of the best evaluation is kept beside the newest, by a real trainer."""

import json

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments

from hfft_widgets.scripts.proof.early_stop import EarlyStop
from hfft_widgets.scripts.training import Progress

LOSSES = [4.0, 3.0, 2.0, 3.5, 5.0, 6.0]  # on the held-out rows, at each check


class Model(torch.nn.Module):
    """Whose loss on held-out rows is as written above."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.checks = 0

    def forward(self, x=None, labels=None):
        if self.training:
            return {"loss": (self.weight * x).mean()}
        return {"loss": torch.tensor(LOSSES[max(0, self.checks - 1)]), "logits": x}


class Counts(TrainerCallback):
    def on_step_end(self, args, state, control, model=None, **kwargs):
        model.checks = state.global_step // 2


def test_the_best_and_the_newest_are_kept(tmp_path, capsys):
    rows = [{"x": torch.ones(1), "labels": torch.ones(1)}] * 12
    arguments = TrainingArguments(
        str(tmp_path), use_cpu=True, max_steps=12, per_device_train_batch_size=1, eval_strategy="steps", eval_steps=2,
        eval_on_start=True, save_steps=4, save_total_limit=2, disable_tqdm=True, report_to="none", logging_steps=4,
    )  # fmt: skip
    trainer = Trainer(Model(), arguments, train_dataset=rows, eval_dataset=rows[:1], callbacks=[Counts(), Progress()])
    trainer.train()
    kept = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
    assert kept == ["checkpoint-12", "checkpoint-6"]
    state = json.loads((tmp_path / "checkpoint-12/trainer_state.json").read_text())
    assert (state["best_global_step"], state["best_metric"]) == (6, 2.0)
    assert "@hfft" in capsys.readouterr().out


def test_two_worse_checks_in_a_row_end_it(tmp_path, capsys):
    rows = [{"x": torch.ones(1), "labels": torch.ones(1)}] * 12
    arguments = TrainingArguments(
        str(tmp_path), use_cpu=True, max_steps=12, per_device_train_batch_size=1, eval_strategy="steps", eval_steps=2,
        eval_on_start=True, save_steps=4, disable_tqdm=True, report_to="none", logging_steps=4,
    )  # fmt: skip
    calls = [Counts(), Progress(), EarlyStop()]
    trainer = Trainer(Model(), arguments, train_dataset=rows, eval_dataset=rows[:1], callbacks=calls)
    trainer.train()
    assert trainer.state.global_step == 10  # 2.0 at step 6, then 3.5 and 5.0
    assert (tmp_path / "checkpoint-6").is_dir()
    assert "Stopping early" in capsys.readouterr().out
