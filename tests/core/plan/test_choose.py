"""Every choice is a rule: method, hardware, adapters, batch. What a person chose stays, or is refused with reasons."""

from __future__ import annotations

import dataclasses
import json

import pytest

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import DataStats, data_stats, learning
from hfft_widgets.core.plan.hardware import FLAVORS
from hfft_widgets.core.plan.recipe import recipe
from hfft_widgets.errors import DataError, PlanError
from tests.core.plan.reports import MACHINES, PLANS, WITH_GPU, check, model, plan, report, words_of

# ---- method ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "goal", "method"),
    [
        ("messages", None, "SFT"),
        ("messages", "instruction following", "SFT"),
        ("preference", "preferences", "DPO"),
        ("marked", "Preferences", "KTO"),
        ("verifiable", "verifiable reasoning", "GRPO"),
        ("tests", "verifiable reasoning", "GRPO"),
        ("text", None, "SFT"),
    ],
)
def test_the_method_follows_the_goal_and_the_data_and_says_what_it_optimises(kind, goal, method):
    made = plan(kind=kind, goal=goal)
    assert made.method == method
    first = str(made.reasons[0])
    assert first.startswith(f"{method}: ")
    assert "likel" in first


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gets_a_plan_and_a_script(method):
    kinds = {"DPO": "preference", "Reward": "preference", "KTO": "marked", "GRPO": "verifiable", "RLOO": "verifiable"}
    made = plan(kind=kinds.get(method, "messages"), method=method)
    assert made.method == method
    assert made.estimate.fits
    compile(made.script, "script.py", "exec")


def test_other_methods_that_would_do_are_named():
    words = words_of(plan(kind="preference", method="DPO"))
    assert "Reward would do too" in words
    assert "GRPO would" not in words  # nothing there could score an answer


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ({"goal": "world peace"}, "Unknown goal"),
        ({"method": "PPO"}, "Unknown method"),
        ({"method": "DPO"}, "not ready for DPO"),
        ({"goal": "preferences"}, "not ready for"),
        ({"flavor": "tpu"}, "Unknown flavor"),
        ({"learning_speed": 3}, "Unknown setting"),
        ({"max_usd": -1}, "max_usd"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(wanted, word):
    with pytest.raises(PlanError, match=word) as caught:
        plan(**wanted)
    assert caught.value.remedy


# ---- what is learned ---------------------------------------------------------------------------


def test_only_answers_are_learned_where_the_template_marks_them():
    marked = plan()
    assert marked.settings.assistant_only_loss
    assert not marked.settings.answers_only
    plain = plan(template="{% for m in messages %}{{ m.content }}{% endfor %}")
    assert plain.settings.answers_only
    assert not plain.settings.assistant_only_loss
    assert "does not mark answers" in " ".join(plain.warnings)
    found = report("messages").with_learned("all")
    whole = recommend(model("Qwen3-0.6B"), found, data_stats(found, "SFT"), MACHINES, PlanRequest())
    assert not whole.settings.assistant_only_loss
    assert not whole.settings.answers_only


def test_a_plan_that_learns_otherwise_stands_on_a_report_that_says_so():
    made = plan()
    whole = made.replace(assistant_only_loss=False)
    assert whole.data.report.learned == whole.data.learns == "all"
    assert whole.data.trained_share == 1
    again = whole.replace(answers_only=True, assistant_only_loss=True)
    assert (again.data.report.learned, again.data.learns) == ("answers", "marked")
    assert made.replace(answers_only=False, learning_rate=1e-4).data is made.data  # it was none
    found = report("messages")
    assert learning(found, "SFT", {"learning_rate": 1e-4}) is found
    assert learning(found, "SFT", {"assistant_only_loss": False}).learned == "all"
    assert learning(found, "SFT", {"answers_only": False}) is found


def test_a_base_model_with_conversations_gets_a_template():
    found = report("messages")  # as the script's own template makes them
    made = recommend(model("Qwen3-0.6B", None), found, data_stats(found, "SFT"), MACHINES, PlanRequest())
    assert "give_chat_template" in recipe(made)
    assert made.settings.assistant_only_loss
    assert "base model" in words_of(made)


def test_nothing_to_score_answers_by_is_refused_and_own_rewards_are_taken():
    found = report("text")
    data = dataclasses.replace(data_stats(found, "SFT"), columns=("prompt", "topic"))
    ready = report("verifiable")
    with pytest.raises(PlanError, match="nothing that could score"):
        recommend(model("Qwen3-0.6B"), ready, data, MACHINES, PlanRequest(method="GRPO"))
    made = recommend(
        model("Qwen3-0.6B"),
        ready,
        data,
        MACHINES,
        PlanRequest(method="GRPO", settings={"rewards": ["brief", "thinks_first"]}),
    )
    assert "brief and thinks_first" in words_of(made)


def test_pictures_are_for_sft_and_dpo():
    sees = model("Qwen3-0.6B", vision_config={})
    sees = dataclasses.replace(sees, vision=True)
    for kind, method, allowed in (("messages", "SFT", True), ("preference", "DPO", True), ("marked", "KTO", False)):
        found = report(kind)
        data = data_stats(found, method)
        data = dataclasses.replace(data, columns=(*data.columns, "images"), longest_tokens=3000)
        if not allowed:
            with pytest.raises(PlanError, match="pictures"):
                recommend(sees, found, data, MACHINES, PlanRequest(method=method))
            continue
        made = recommend(sees, found, data, MACHINES, PlanRequest(method=method))
        assert made.work.max_length == 3000  # rows with pictures are not cut
        assert "max_length=None" in made.script


# ---- the demo ----------------------------------------------------------------------------------


def test_a_base_model_in_a_folder_is_planned_with_the_scripts_template_and_its_licence(sample_folders, tmp_path):
    import shutil

    import hfft_widgets as hfft

    base = shutil.copytree(hfft.samples.model(), tmp_path / "base")
    (base / "chat_template.jinja").unlink(missing_ok=True)
    settings = json.loads((base / "tokenizer_config.json").read_text("utf-8"))
    settings.pop("chat_template", None)
    (base / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    (base / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\nlicense: mit\n", "utf-8")
    found = hfft.validate("sample:messages", model=str(base))
    assert found.verdicts["SFT"].status == "INCOMPATIBLE"  # as it is
    made = hfft.plan_training(str(base), found)
    assert made.method == "SFT"
    assert "give_chat_template(tokenizer)" in made.script
    assert made.data.longest_tokens > 10
    assert made.to_dict()["license"] == "apache-2.0"


def test_a_plan_for_another_model_than_the_reports_validates_again(sample_folders, tmp_path):
    """The other model's template does not mark answers, and writes more tokens around each turn."""
    import shutil

    import hfft_widgets as hfft

    other = shutil.copytree(hfft.samples.model(), tmp_path / "other")
    template = "{% for m in messages %}{{ m.role }} says the following: {{ m.content }}{{ eos_token }}{% endfor %}"
    (other / "chat_template.jinja").write_text(template, "utf-8")
    found = hfft.validate("sample:messages", model="sample:model")
    same, new = hfft.plan_training("sample:model", found), hfft.plan_training(str(other), found)
    assert same.settings.assistant_only_loss
    assert new.settings.answers_only
    assert new.data.tokens_per_row > same.data.tokens_per_row
    assert found.model == "sample:model"  # reports never change


def test_a_plan_is_made_where_there_is_no_numpy():
    """As in a browser: plan, estimate and script are the standard library's."""
    import subprocess
    import sys

    code = """
import sys
for name in ("numpy", "pyarrow", "pandas", "jinja2", "PIL"):
    sys.modules[name] = None
from types import SimpleNamespace
from hfft_widgets.core.data.findings import Status, Verdict
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import DataStats
from hfft_widgets.core.plan.hardware import FLAVORS, local_flavor
from hfft_widgets.core.plan.model import model_facts
from tests.core.plan.configs import CONFIGS

facts = model_facts(CONFIGS["Qwen3-0.6B"], reference="org/it", local=False)
data = DataStats("org/data", {"path": "org/data"}, "", ("messages",), True, 2000, 300.0, 900)
report = SimpleNamespace(verdicts={"SFT": Verdict(Status.READY, "")}, fixes=(), mappings={}, lengths={}, columns={})
plan = recommend(facts, report, data, (local_flavor(2**34, 0.1), *FLAVORS), PlanRequest(method="SFT"))
print(plan.flavor, plan.estimate.steps > 1, "SFTTrainer(" in plan.script, len(plan.options), len(plan.fingerprint))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["t4-small", "True", "True", str(1 + len(FLAVORS)), "16"]


def long_rows(**changes) -> DataStats:
    return dataclasses.replace(PLANS["SFT"].data, **{"longest_tokens": 3000, "tokens_per_row": 900.0, **changes})


@pytest.mark.parametrize(("count", "words"), [(0, "0 usable rows"), (1, "1 usable row:")])
def test_one_row_is_too_few_for_training_and_holding_out(count, words):
    found = report("messages")
    few = dataclasses.replace(data_stats(found, "SFT"), rows=count)
    with pytest.raises(PlanError, match=words) as caught:
        recommend(model("Qwen3-0.6B"), found, few, MACHINES, PlanRequest())
    assert "more rows" in caught.value.remedy
    check(plan(count=2))


def test_a_context_shorter_than_the_rows_is_the_limit_and_is_said():
    short = model("Qwen3-0.6B", max_position_embeddings=1000)
    made = recommend(short, report("messages"), long_rows(), MACHINES, PlanRequest())
    assert made.settings.max_length == 1000
    assert made.work.max_length == 1000
    assert "was made for no more" in str(made)
    longer = made.replace(max_length=2000)
    assert "more than the 1,000 tokens" in " ".join(longer.warnings)
    assert "more than the" not in " ".join(made.warnings)


def test_the_limit_chosen_with_the_data_is_the_plans_with_a_reason():
    found = report("messages")
    chosen = long_rows(max_length=777)
    made = recommend(model("Qwen3-0.6B"), found, chosen, MACHINES, PlanRequest())
    assert made.settings.max_length == 777
    words = "max_length 777: the limit you chose with the data."
    assert words in str(made)
    assert words in made._repr_html_()
    assert "max_length=777" in made.script
    mine = recommend(model("Qwen3-0.6B"), found, chosen, MACHINES, PlanRequest(settings={"max_length": 512}))
    assert mine.settings.max_length == 512
    assert "you chose with the data" not in str(mine)
    short = recommend(model("Qwen3-0.6B", max_position_embeddings=500), found, chosen, MACHINES, PlanRequest())
    assert short.settings.max_length == 500


def test_a_packed_copy_is_refused_with_what_to_take():
    packed = model("Qwen3-0.6B", quantization_config={"quant_method": "awq"})
    found = report("messages")
    with pytest.raises(PlanError, match="packed into few bits") as caught:
        recommend(packed, found, data_stats(found, "SFT"), MACHINES, PlanRequest())
    assert "made from" in caught.value.remedy


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"num_experts": 8}, "architecture"), ({"vision_config": {}, "image_token_id": 5}, "pictures")],
)
def test_experts_and_pictures_are_planned_with_what_is_unknown(changes, words):
    found = report("messages")
    made = recommend(model("Qwen3-0.6B", **changes), found, data_stats(found, "SFT"), MACHINES, PlanRequest())
    check(made)
    assert words in " ".join(made.facts.unknown)
    assert words in made._repr_html_()


def test_a_limit_chosen_in_the_report_reaches_the_plan():
    found = report("messages").with_max_length(48)
    assert found.to_dict()["max_length"] == 48
    made = recommend(model("Qwen3-0.6B"), found, data_stats(found, "SFT"), MACHINES, PlanRequest())
    assert made.settings.max_length == 48
    assert "the limit you chose with the data" in str(made)
    assert found.with_max_length(None).max_length is None
    with pytest.raises(DataError, match="whole number"):
        found.with_max_length(0)


def test_vllm_writes_answers_where_the_card_bears_it_and_it_is_much_sooner():
    made = plan("Qwen3-1.7B", "verifiable", method="GRPO", flavor="a100-large")
    assert made.uses_vllm
    assert "vLLM writes the answers" in words_of(made)
    assert "use_vllm=True" in made.script
    assert "vllm==" in made.script
    off = plan("Qwen3-1.7B", "verifiable", method="GRPO", flavor="a100-large", use_vllm=False)
    assert made.estimate.seconds.mid < 0.75 * off.estimate.seconds.mid
    assert "use_vllm" not in off.recipe


SHORT = {"max_steps": 1, "eval_rows": 2, "questions": 0}


@pytest.mark.parametrize("method", ["GRPO", "RLOO"])
@pytest.mark.parametrize(
    ("name", "request_", "words"),
    [
        ("Qwen3-1.7B", {"flavor": "local", "machines": WITH_GPU}, "With vLLM (use_vllm=True): about"),  # may lack it
        ("Qwen3-1.7B", {"flavor": "a100-large", **SHORT}, "With vLLM (use_vllm=True): about"),  # soon over
        ("Qwen3-4B", {"flavor": "l40sx1", "peft": "none"}, "vLLM beside the training would not fit l40sx1."),
        ("Qwen3-4B", {"flavor": "l4x1", "peft": "none"}, "30% of the card, does not hold 8.0 GB of weights"),
    ],
)
def test_vllm_is_not_chosen_where_little_is_won(method, name, request_, words):
    made = plan(name, "verifiable", method=method, **request_)
    assert not made.uses_vllm
    assert words in words_of(made)
    assert "vllm" not in made.recipe
    assert "vllm==" not in made.script


def test_vllm_that_a_person_asks_for_is_taken_on_their_own_card():
    made = plan("Qwen3-1.7B", "verifiable", method="GRPO", flavor="local", machines=WITH_GPU, use_vllm=True)
    assert made.uses_vllm
    assert "vLLM" in made.estimate.parts


def test_the_batch_is_chosen_again_for_what_vllm_leaves_of_the_card():
    rented = {"name": "Qwen3-1.7B", "kind": "verifiable", "method": "GRPO", "flavor": "a100-large"}
    with_it, without = plan(**rented), plan(**rented, use_vllm=False)
    assert with_it.effective_batch_size == without.effective_batch_size
    assert with_it.settings.batch_size < without.settings.batch_size
    kept = plan(**rented, batch_size=8, accumulation=4)
    assert (kept.uses_vllm, kept.settings.batch_size, kept.settings.accumulation) == (True, 8, 4)


@pytest.mark.parametrize("method", ["GRPO", "RLOO"])
def test_the_script_with_vllm_says_where_it_runs_and_how_much_of_the_card_it_takes(method):
    made = plan("Qwen3-1.7B", "verifiable", method=method, flavor="a100-large")
    lines = [line.strip().partition("  #")[0] for line in made.recipe.splitlines()]
    given = [line for line in lines if "vllm" in line and not line.startswith("#")]
    assert given == ["use_vllm=True,", 'vllm_mode="colocate",', "vllm_gpu_memory_utilization=0.3,"]
    head = made.script.partition('"""')[0]
    assert '"vllm==' in head
    assert '"trl==' in head
    for script in (made.script, made.short_script):
        compile(script, "script.py", "exec")
    assert "use_vllm=True" in made.short_script


@pytest.mark.ci
@pytest.mark.parametrize("method", ["GRPO", "RLOO"])
def test_trl_knows_the_arguments_of_vllm(method):
    import trl

    config = getattr(trl, f"{method}Config")
    known = {field.name: field.default for field in dataclasses.fields(config)}
    assert {"use_vllm", "vllm_mode", "vllm_gpu_memory_utilization"} <= set(known)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"flavor": "t4-small"}, "older than the cards"),
        ({"flavor": "local"}, "needs an NVIDIA GPU"),
        ({"flavor": "a10g-small", "peft": "qlora"}, "4 bits cannot be handed"),
    ],
)
def test_vllm_is_never_where_it_cannot_run(request_, words):
    made = plan("Qwen3-1.7B", "verifiable", method="GRPO", use_vllm=True, **request_)
    assert not made.uses_vllm
    assert "use_vllm=True" not in made.recipe
    assert any(words in warning for warning in made.warnings)


def test_cut_thoughts_teach_nothing_and_cut_answers_do():
    thinks = "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>{% endif %}"
    assert plan("Qwen3-1.7B", "verifiable", method="GRPO", template=thinks).settings.mask_truncated_completions
    assert not plan("Qwen3-1.7B", "verifiable", method="GRPO").settings.mask_truncated_completions
