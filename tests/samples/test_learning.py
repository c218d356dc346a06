"""The samples with the trainers they are for: real TRL, real steps, on a CPU."""

import os
import time

import pytest

from hfft_widgets import samples
from hfft_widgets.scripts import rewards
from tests.samples.settings import LORA_SETTINGS, SETTINGS

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")

HELD_OUT = 250


@pytest.fixture(autouse=True)
def _offline(filled_home, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def plain(config, output_dir, **settings):
    """A TRL configuration for a CPU in which only the settings given differ from the defaults."""
    return config(
        output_dir=str(output_dir), bf16=False, activation_checkpointing=False, model_init_kwargs={"dtype": "float32"},
        dataloader_pin_memory=False, save_strategy="no", report_to="none", disable_tqdm=True, logging_steps=1, seed=42,
        **settings,
    )  # fmt: skip


def curve(trainer, name):
    return [line[name] for line in trainer.state.log_history if name in line]


def exact_match(model, rows):
    """The share of rows whose greedy answer is the module and nothing else."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(samples.model(), padding_side="left")
    model.eval()
    hits = 0
    for start in range(0, len(rows), 50):
        batch = rows[start : start + 50]["messages"]
        asked = tokenizer.apply_chat_template(
            [chat[:1] for chat in batch],
            add_generation_prompt=True, return_dict=True, return_tensors="pt", padding=True,
        )  # fmt: skip
        with torch.no_grad():
            told = model.generate(**asked, max_new_tokens=12, do_sample=False)[:, asked["input_ids"].shape[1] :]
        answers = tokenizer.batch_decode(told, skip_special_tokens=True)
        hits += sum(answer == chat[1]["content"] for answer, chat in zip(answers, batch, strict=True))
    return hits / len(rows)


def test_sft_on_what_the_assistant_says(tmp_path):
    settings = {**SETTINGS, "max_steps": 12}
    trainer = trl.SFTTrainer(
        model=str(samples.model()),
        args=plain(trl.SFTConfig, tmp_path, **settings),
        train_dataset=samples.dataset("messages"),
    )
    trainer.train()
    loss = curve(trainer, "loss")
    assert loss[0] > 7.6, "a model that knows nothing is no better than ln(2048)"
    assert loss[-1] < 0.7 * loss[0]
    labels = next(iter(trainer.get_train_dataloader()))["labels"][0]
    said = trainer.processing_class.decode(labels[labels != -100])
    assert said in {f"{module}<|im_end|>" for module in samples.stdlib.MODULES}


def test_sft_on_plain_text(tmp_path):
    trainer = trl.SFTTrainer(
        model=str(samples.model()),
        args=plain(trl.SFTConfig, tmp_path, max_steps=3, max_length=256),
        train_dataset=samples.dataset("prompt_completion"),
    )
    labels = next(iter(trainer.get_train_dataloader()))["labels"][0]
    said = trainer.processing_class.decode(labels[labels != -100])
    assert said in {f" {module}<|im_end|>" for module in samples.stdlib.MODULES}
    trainer.train()
    assert len(curve(trainer, "loss")) == 3


def test_dpo_learns_to_prefer_what_was_chosen(tmp_path):
    pairs = samples.dataset("preference").select(range(8))  # the same batch each step
    trainer = trl.DPOTrainer(
        model=str(samples.model()),
        args=plain(trl.DPOConfig, tmp_path, max_steps=6, learning_rate=5e-4, max_length=256),
        train_dataset=pairs,
    )
    trainer.train()
    loss = curve(trainer, "loss")
    assert loss[0] == pytest.approx(0.693, abs=0.01), "before the first step nothing is preferred"
    assert loss[-1] < 0.5 * loss[0]
    assert curve(trainer, "rewards/accuracies")[-1] == 1.0


def test_grpo_has_something_to_learn_from_before_the_model_knows_anything(tmp_path):
    """If all rewards of a prompt's completions are equal, its gradient is zero."""
    trainer = trl.GRPOTrainer(
        model=str(samples.model()),
        reward_funcs=[rewards.correct, rewards.close],
        args=plain(
            trl.GRPOConfig, tmp_path, max_steps=5, learning_rate=1e-5, per_device_train_batch_size=8,
            num_generations=4, max_completion_length=12,
        ),
        train_dataset=samples.dataset("verifiable"),
    )  # fmt: skip
    trainer.train()
    without_signal = curve(trainer, "frac_reward_zero_std")
    assert len(without_signal) == 5
    assert min(without_signal) < 1
    assert sum(without_signal) / 5 < 0.5
    assert max(curve(trainer, "grad_norm")) > 0
    assert all(0 < reward <= 1 for reward in curve(trainer, "rewards/close/mean"))


def learn(tmp_path, settings, peft_config=None):
    split = samples.dataset("messages").train_test_split(test_size=HELD_OUT, seed=42)
    trainer = trl.SFTTrainer(
        model=str(samples.model()),
        args=plain(trl.SFTConfig, tmp_path, **settings),
        train_dataset=split["train"],
        peft_config=peft_config,
    )
    before = exact_match(trainer.model, split["test"])
    wall, cpu = time.perf_counter(), time.process_time()
    trainer.train()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    after = exact_match(trainer.model, split["test"])
    loss = curve(trainer, "loss")
    told = {"rows": len(split["train"]), "before": before, "after": after, "seconds": round(wall), "cpu": round(cpu)}
    print(told, {"first": loss[0], "last": loss[-1], "steps": len(loss), "cores": os.cpu_count()})
    return before, after, loss


@pytest.mark.full
def test_all_weights_learn_the_task(tmp_path):
    before, after, loss = learn(tmp_path, SETTINGS)
    assert before <= 0.05
    assert after >= 0.6
    assert sum(loss[-10:]) / 10 < 0.7 * loss[0]


@pytest.mark.full
def test_an_adapter_learns_the_task(tmp_path):
    peft = pytest.importorskip("peft")
    settings = dict(LORA_SETTINGS)
    names = ("r", "lora_alpha", "target_modules")
    adapter = peft.LoraConfig(task_type="CAUSAL_LM", **{name: settings.pop(name) for name in names})
    before, after, loss = learn(tmp_path, settings, adapter)
    assert before <= 0.05
    assert after >= 0.4
    assert sum(loss[-10:]) / 10 < 0.7 * loss[0]
