"""Training scripts, run for real on the sample model: they teach, tell, stop, resume exactly and never overrun."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.method import METHODS
from tests.scripts import tiny_llava
from tests.scripts.running import plan_on, rows_for, run, start_cold


@pytest.fixture
def model(sample_folders) -> Path:
    return hfft.samples.model()


@pytest.mark.ci
def test_a_script_runs_by_itself_in_a_folder_with_an_awkward_name(model, tmp_path):
    folder = tmp_path / "a b'c \u00fc\u4e2d"
    script = plan_on(rows_for("SFT"), folder, model, "SFT", max_steps=4, eval_steps=2, save_steps=2).script
    first = start_cold(script, folder).wait()
    assert first.code == 0, first.log
    assert [event.n for event in first.events] == list(range(len(first.events)))
    assert [p.step for p in first.journal.history["loss"]] == [1, 2, 3, 4]
    assert [p.step for p in first.journal.history["eval_loss"]] == [0, 2, 4]
    assert first.events[-1].kind == "end"
    trained = Path(first.events[-1].data["output_dir"])
    weights = (trained / "model.safetensors").read_bytes()
    answers = first.journal.data("answers")
    assert answers["count"] == 2
    assert set(answers["rows"][0]) == {"prompt", "asked", "expected", "before", "after"}

    # run again: it is done, and does not train one step more
    again = run(script, folder)
    assert again.code == 0, again.log
    assert not again.losses
    assert again.events[-1].step == 4
    assert (trained / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    ("method", "peft"),
    [
        *(  # each method once, by turns, and the other way by hand
            pytest.param(method, peft, marks=() if (n + m) % 2 else pytest.mark.full)
            for n, method in enumerate(METHODS)
            for m, peft in enumerate(("none", "lora"))
        ),
        *(pytest.param(m, "qlora", marks=pytest.mark.ci if m == "SFT" else pytest.mark.full) for m in METHODS),
    ],
)
def test_every_method_trains(model, tmp_path, method, peft):
    if peft == "qlora":
        pytest.importorskip("bitsandbytes")
    ended = run(plan_on(rows_for(method), tmp_path, model, method, peft).script, tmp_path)
    assert ended.code == 0, ended.log
    assert ended.events[-1].kind == "end"
    assert [p.step for p in ended.journal.history["loss"]] == [1, 2, 3]
    assert len(ended.journal.history["eval_loss"]) == 2
    assert any(norm > 0 for _, norm in ended.losses.values())
    saved = "model.safetensors" if peft == "none" else "adapter_model.safetensors"
    assert (tmp_path / "out" / saved).exists()
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert f"{method} with TRL" in card
    assert str(model.parent) not in card  # a path says nothing elsewhere


@pytest.mark.parametrize(
    ("peft", "settings"),
    [
        ("lora", {"use_dora": True, "use_rslora": True, "lora_dropout": 0.1, "lora_targets": ["attention"]}),
        ("none", {"bf16_weights": True}),
        ("none", {"optim": "adafactor"}),
        ("none", {"optim": "adamw_8bit"}),
        ("qlora", {"optim": "paged_adamw_8bit", "use_dora": True}),
    ],
)
@pytest.mark.full
def test_what_people_own_trains(model, tmp_path, peft, settings):
    if peft == "qlora" or "8bit" in settings.get("optim", ""):
        pytest.importorskip("bitsandbytes")
    ended = run(plan_on(rows_for("SFT"), tmp_path, model, "SFT", peft, **settings).script, tmp_path)
    assert ended.code == 0, ended.log
    before, after = (point.value for point in ended.journal.history["eval_loss"])
    assert after < before
    if settings.get("bf16_weights"):
        from safetensors import safe_open

        with safe_open(tmp_path / "out" / "model.safetensors", "pt") as weights:
            assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"BF16"}  # noqa: SIM118


def test_a_script_without_its_gpu_says_so_and_costs_no_more(model, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    ended = run(plan_on(rows_for("SFT"), tmp_path, model, "SFT").script, tmp_path, HFFT_NEEDS_GPU="1")
    assert ended.code == 1
    assert "given a GPU" in ended.journal.data("error")["message"]
    assert not ended.losses


def test_an_error_is_told_with_its_kind(model, tmp_path):
    plan = plan_on(rows_for("SFT"), tmp_path, model, "SFT")
    ended = run(plan.script.replace('"split": "train"', '"split": "no such split"'), tmp_path)
    assert ended.code == 1
    assert ended.journal.data("error")["type"] == "ValueError"
    assert "no such split" in ended.journal.data("error")["message"]


def test_only_answers_are_learned(model, tmp_path):
    """The loss of the first step counts the answers' tokens alone, whichever way it is asked for."""
    ways = {"marked": {"assistant_only_loss": True}, "split": {"answers_only": True}, "all": {}}
    first = {}
    for name, changes in ways.items():
        plan = plan_on(rows_for("SFT"), tmp_path / name, model, "SFT", max_steps=1, questions=0, **changes)
        ended = run(plan.script, tmp_path / name)
        assert ended.code == 0, ended.log
        first[name] = ended.losses[1]
    # the split leaves the line end after the answer to be learned too, the marks do not
    assert first["marked"] != pytest.approx(first["all"], rel=0.01)
    assert first["split"] != pytest.approx(first["all"], rel=0.01)


@pytest.mark.parametrize(
    ("method", "chatml"),
    [
        ("SFT", True),
        ("DPO", False),
        *(pytest.param(*more, marks=pytest.mark.full) for more in (("SFT", False), ("DPO", True))),
    ],
)
def test_a_base_model_gets_a_template_and_learns_where_to_stop(model, tmp_path, method, chatml):
    from transformers import AutoTokenizer, GenerationConfig

    base = without_template(model, tmp_path / "base", chatml=chatml)
    changes = {"assistant_only_loss": True} if method == "SFT" else {}
    peft = "lora" if method == "SFT" else "none"
    ended = run(plan_on(rows_for(method), tmp_path, base, method, peft, **changes).script, tmp_path)
    assert ended.code == 0, ended.log
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    said = tokenizer.apply_chat_template([{"role": "assistant", "content": "4"}], tokenize=False)
    assert said.rstrip().endswith(tokenizer.eos_token)
    assert (tokenizer.eos_token == "<|im_end|>") is chatml
    assert ("<|im_start|>" in said) is chatml
    if peft == "none":
        stops = GenerationConfig.from_pretrained(tmp_path / "out").eos_token_id
        assert tokenizer.eos_token_id in (stops if isinstance(stops, list) else [stops])


def without_template(model: Path, folder: Path, *, chatml: bool) -> Path:
    """The sample model as a base model: another end-of-text token, no template, with or without ChatML's tokens."""
    shutil.copytree(model, folder)
    (folder / "tokenizer.model").unlink()  # it would bring the tokens back
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (folder / name).read_text("utf-8")
        if not chatml:
            text = text.replace("<|im_start|>", "<|one|>").replace("<|im_end|>", "<|two|>")
        (folder / name).write_text(text, "utf-8")
    settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    settings.pop("chat_template", None)
    settings["eos_token"] = "<unk>" if chatml else "<|two|>"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("method", "peft", "column"),
    [
        pytest.param("SFT", "lora", "images", marks=pytest.mark.ci),
        pytest.param("DPO", "lora", "image", marks=pytest.mark.ci),
        pytest.param("SFT", "none", "image", marks=pytest.mark.ci),
        pytest.param("DPO", "none", "images", marks=pytest.mark.full),
    ],
)
def test_a_model_that_sees_learns_from_pictures(model, tmp_path, method, peft, column):
    from safetensors import safe_open

    seeing = tiny_llava.make(tmp_path / "llava", model)
    rows = tiny_llava.rows(tmp_path / "pictures", method, column)
    plan = plan_on(rows, tmp_path, seeing, method, peft, answers_only=peft == "none")
    assert "max_length=None" in plan.script
    ended = run(plan.script, tmp_path)
    assert ended.code == 0, ended.log
    assert any(norm > 0 for _, norm in ended.losses.values())
    assert (tmp_path / "out" / "preprocessor_config.json").exists() or (
        tmp_path / "out" / "processor_config.json"
    ).exists()
    if peft == "lora":
        with safe_open(tmp_path / "out" / "adapter_model.safetensors", "pt") as weights:
            adapted = list(weights.keys())
        assert adapted
        assert all("language_model" in name for name in adapted)


@pytest.mark.parametrize(
    "method", [pytest.param(method, marks=() if method == "Reward" else pytest.mark.full) for method in METHODS]
)
def test_adapters_beside_a_16_bit_model_learn_in_float32(model, tmp_path, method):
    """What a GPU does, computed on a CPU: the frozen model is kept in bfloat16, and autocast computes in it."""
    kinds = "    for learns in (True, False):\n        print(learns, {w.dtype for w in trainer.model.parameters()"
    kinds += " if w.requires_grad is learns})\n"
    lines = {
        "choose_precision(trains_all_weights=False)": "Precision(torch.bfloat16, bf16=True, fp16=False)",
        "bf16=precision.bf16,": "bf16=precision.bf16, use_cpu=True,",
        "    before = answers_before(": kinds + "    before = answers_before(",
    }
    script = plan_on(rows_for(method), tmp_path, model, method, "lora").script
    for line, changed in lines.items():
        assert line in script
        script = script.replace(line, changed)
    ended = run(script, tmp_path)
    assert ended.code == 0, ended.log
    assert "True {torch.float32}" in ended.log
    assert "torch.bfloat16" in next(line for line in ended.log.splitlines() if line.startswith("False {"))
    assert any(norm > 0 for _, norm in ended.losses.values())


def test_rows_are_not_packed_where_they_could_look_into_each_other(model, tmp_path):
    ended = run(plan_on(rows_for("SFT"), tmp_path, model, "SFT", packing=True).script, tmp_path)
    assert ended.code == 0, ended.log
    assert "not packed" in str([event.data.get("message") for event in ended.events])
    assert "| packing | `False` |" in (tmp_path / "out" / "README.md").read_text("utf-8")


@pytest.mark.ci
def test_code_is_rewarded_for_tests_beside_a_reward_of_ones_own(model, tmp_path):
    rows = [{**row, "tests": ["assert True"]} for row in rows_for("GRPO")]
    chosen = ["passes_tests", "ends_in_answer", "thinks_first", "brief"]
    script = plan_on(rows, tmp_path, model, "GRPO", rewards=chosen).script
    own = "    def even(completions, **kwargs):\n        return [float(len(str(c)) % 2 == 0) for c in completions]\n\n"
    script = script.replace("    rewards = [", own + "    rewards = [even, ")
    script = script.replace("reward_weights=[", "reward_weights=[1.0, ")
    ended = run(script, tmp_path)
    assert ended.code == 0, ended.log
    assert {f"rewards/{name}/mean" for name in [*chosen, "even"]} <= set(ended.journal.history)


@pytest.mark.ci
def test_asked_to_finish_it_ends_after_its_step_with_all_that_comes_after_the_last(model, tmp_path):
    plan = plan_on(rows_for("SFT"), tmp_path, model, "SFT", max_steps=500, eval_steps=400, save_steps=400)
    (tmp_path / "finish").touch()
    ended = run(plan.script, tmp_path, HFFT_FINISH=str(tmp_path / "finish"))
    assert ended.code == 0, ended.log
    assert ended.events[-1].kind == "end"
    assert ended.events[-1].step == 1
    assert [p.step for p in ended.journal.history["eval_loss"]] == [0, 1]  # asked a last time
    assert ended.journal.data("proof")
    assert (tmp_path / "out" / "model.safetensors").exists()
