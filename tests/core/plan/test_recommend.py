"""Every choice is a rule: method, hardware, adapters, batch. What a person chose stays, or is refused with reasons."""

from __future__ import annotations

import dataclasses
import re

import pytest

from hfft_widgets.core.plan.flavors import FLAVORS
from hfft_widgets.core.plan.lesson import lesson
from hfft_widgets.core.plan.measure import data_facts
from hfft_widgets.core.plan.recommend import Wishes, recommend
from hfft_widgets.core.plan.training import METHODS
from hfft_widgets.core.script import LESSON_END
from hfft_widgets.errors import PlanError
from tests.core.plan.reports import CONFIGS, MACHINES, WITH_GPU, model, plan, report


def words_of(made) -> str:
    return " ".join(f"{reason.words} {reason.alternative}" for reason in made.reasons)


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
    ("wishes", "word"),
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
def test_what_cannot_be_is_refused_with_a_way_out(wishes, word):
    with pytest.raises(PlanError, match=word) as caught:
        plan(**wishes)
    assert caught.value.remedy


# ---- the rules of the field --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "flavors", "peft"),
    [
        ("Qwen3-0.6B", {"t4-small"}, "none"),
        ("Qwen3-1.7B", {"t4-medium", "a10g-small"}, "lora"),
        ("Llama-3.2-3B", {"t4-medium", "a10g-small"}, "lora"),
        ("Qwen3-4B", {"a10g-large", "a100-large"}, "lora"),
        ("Qwen2.5-7B", {"a10g-large", "a100-large"}, "lora"),
    ],
)
def test_size_classes_have_their_hardware_and_it_fits(name, flavors, peft):
    made = plan(name)
    assert made.flavor in flavors
    assert made.peft == peft
    assert made.estimate.fits
    usual = [o for o in made.options if o.flavor.name in flavors and o.estimate.fits]
    assert made.estimate.usd.mid == min(o.estimate.usd.mid for o in usual)


def test_a_full_1_7b_on_16_gb_is_changed_to_adapters_and_the_plan_says_so():
    made = plan("Qwen3-1.7B", flavor="t4-medium")
    assert made.peft == "lora"
    assert made.estimate.fits
    assert "instead of all weights" in words_of(made)
    assert "All weights would fit" in words_of(made)


def test_what_a_person_insists_on_stays_and_is_warned_about():
    made = plan("Qwen3-1.7B", flavor="t4-medium", peft="none")
    assert made.peft == "none"
    assert "run out of memory" in made.warnings[0]


def test_from_8b_on_a_plan_needs_an_explicit_wish():
    with pytest.raises(PlanError, match=r"14\.8 B") as caught:
        plan("Qwen3-14B")
    assert "allow_large=True" in caught.value.remedy
    made = plan("Qwen3-14B", allow_large=True)
    assert (made.peft, made.estimate.fits) == ("lora", True)


def test_the_least_change_first_then_a_larger_card():
    """Long rows: the batch shrinks at the same effective batch, then adapters, and only then another card."""
    found = report("messages")
    data = data_facts(found, "SFT")
    seen = []
    for longest in (200, 2000, 4000):
        made = recommend(
            model("Qwen3-0.6B"), found, dataclasses.replace(data, longest_tokens=longest), MACHINES, Wishes()
        )
        assert made.flavor == "t4-small"
        assert made.effective_batch_size == 16
        assert made.estimate.fits
        seen.append((made.settings.batch_size, made.peft))
    assert [size for size, _ in seen] == sorted((size for size, _ in seen), reverse=True)
    assert seen[0] == (16, "none")
    assert seen[-1][0] < 16


def test_a_gpu_here_that_is_enough_costs_nothing():
    assert plan(machines=WITH_GPU).flavor == "local"
    assert plan("Qwen2.5-7B", machines=WITH_GPU).flavor == "local"
    assert plan("Qwen2.5-7B", machines=WITH_GPU, peft="none").flavor != "local"
    assert plan().flavor == "t4-small"


def test_what_lies_here_cannot_be_reached_from_a_job_and_the_plan_says_so():
    made = plan()
    here = dataclasses.replace(made, facts=dataclasses.replace(made.facts, local=True))
    assert "put them on the Hub" in " ".join(here.warnings)
    assert "put them on the Hub" not in " ".join([*made.warnings, *here.replace(flavor="local").warnings])


def test_a_default_that_is_no_longer_offered_gives_way():
    left = tuple(machine for machine in MACHINES if not machine.name.startswith("t4"))
    made = plan(machines=left)
    assert made.flavor == "l4x1"
    assert "t4-small, is not offered" in words_of(made)


# ---- batch -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(CONFIGS)[:-1])
@pytest.mark.parametrize("flavor", [machine.name for machine in FLAVORS])
def test_the_effective_batch_is_kept_on_every_machine(name, flavor):
    made = plan(name, count=60, flavor=flavor)
    assert made.effective_batch_size == 16
    there = made.replace(flavor="h200x8")
    assert there.effective_batch_size == 16
    assert there.settings.batch_size * there.settings.accumulation == 2


def test_an_option_is_what_choosing_it_gives():
    made = plan()
    for option in made.options:
        assert made.replace(flavor=option.flavor.name).estimate == option.estimate


def test_kto_never_gets_a_batch_of_one():
    for flavor in ("h200x8", "t4-small"):
        assert plan(kind="marked", method="KTO", flavor=flavor).settings.batch_size >= 2


@pytest.mark.parametrize("method", ["GRPO", "RLOO"])
@pytest.mark.parametrize("flavor", ["t4-small", "a10g-largex2", "l4x4", "h200x8"])
@pytest.mark.parametrize("own", [{}, {"num_generations": 6}, {"batch_size": 3}, {"accumulation": 5}])
def test_a_step_holds_all_answers_to_its_prompts(method, flavor, own):
    made = plan(kind="verifiable", method=method, flavor=flavor, **own)
    assert made.effective_batch_size % made.settings.num_generations == 0
    for name, value in own.items():
        assert getattr(made.settings, name) == value


def test_a_step_that_does_not_is_refused_with_what_does():
    made = plan(kind="verifiable", method="GRPO")
    with pytest.raises(PlanError, match="no multiple") as caught:
        made.replace(batch_size=3, accumulation=1)
    assert "accumulation=8" in caught.value.remedy
    fixed = made.replace(batch_size=3, accumulation=8)
    assert fixed.effective_batch_size == 24
    with pytest.raises(PlanError, match="no multiple"):
        plan(kind="verifiable", method="GRPO", batch_size=3, accumulation=3)


def test_fewer_answers_where_more_do_not_fit():
    made = plan("Qwen2.5-7B", "verifiable", method="GRPO", flavor="a10g-large", max_completion_length=6000)
    assert made.settings.num_generations < 8
    assert "answers per prompt instead of 8" in words_of(made)


# ---- what is learned ---------------------------------------------------------------------------


def test_only_answers_are_learned_where_the_template_marks_them():
    marked = plan()
    assert marked.settings.assistant_only_loss
    assert not marked.settings.answers_only
    plain = plan(template="{% for m in messages %}{{ m.content }}{% endfor %}")
    assert plain.settings.answers_only
    assert not plain.settings.assistant_only_loss
    assert "does not mark answers" in " ".join(plain.warnings)


def test_a_base_model_with_conversations_gets_a_template():
    found = report("messages")  # as the script's own template makes them
    made = recommend(model("Qwen3-0.6B", None), found, data_facts(found, "SFT"), MACHINES, Wishes())
    assert "give_chat_template" in lesson(made)
    assert made.settings.assistant_only_loss
    assert "base model" in words_of(made)


def test_nothing_to_score_answers_by_is_refused_and_own_rewards_are_taken():
    found = report("text")
    data = dataclasses.replace(data_facts(found, "SFT"), columns=("prompt", "topic"))
    ready = report("verifiable")
    with pytest.raises(PlanError, match="nothing that could score"):
        recommend(model("Qwen3-0.6B"), ready, data, MACHINES, Wishes(method="GRPO"))
    made = recommend(
        model("Qwen3-0.6B"),
        ready,
        data,
        MACHINES,
        Wishes(method="GRPO", settings={"rewards": ["brief", "thinks_first"]}),
    )
    assert "brief and thinks_first" in words_of(made)


def test_pictures_are_for_sft_and_dpo():
    sees = model("Qwen3-0.6B", vision_config={})
    sees = dataclasses.replace(sees, vision=True)
    for kind, method, allowed in (("messages", "SFT", True), ("preference", "DPO", True), ("marked", "KTO", False)):
        found = report(kind)
        data = data_facts(found, method)
        data = dataclasses.replace(data, columns=(*data.columns, "images"), longest_tokens=3000)
        if not allowed:
            with pytest.raises(PlanError, match="pictures"):
                recommend(sees, found, data, MACHINES, Wishes(method=method))
            continue
        made = recommend(sees, found, data, MACHINES, Wishes(method=method))
        assert made.work.max_length == 3000  # rows with pictures are not cut
        assert "max_length=None" in made.script


# ---- the data in numbers -----------------------------------------------------------------------


def test_tokens_are_those_of_the_report():
    found = report("messages")
    data = data_facts(found, "SFT")
    lengths = found.lengths["SFT"]
    assert data.tokens_per_row == pytest.approx(lengths.tokens / 600)
    assert data.longest_tokens == lengths.quantile(0.99)
    assert data.rows == 600
    assert data.trained_share == 1  # what TRL learns of conversations unless told otherwise


def test_another_methods_tokens_are_counted():
    data = data_facts(report("preference"), "Reward")
    assert data.tokens_source == "the model's tokenizer"
    assert 2 < data.tokens_per_row < 10


def test_without_a_tokenizer_bytes_are_divided():
    data = data_facts(report("messages", counter=None), "SFT")
    assert data.tokens_source == "bytes divided by four"
    assert data.tokens_per_row > 5


def test_a_sample_speaks_for_all_rows():
    found = report("messages", all_rows=60_000, whole=lambda progress: None, coverage="the first 600 rows")
    data = data_facts(found, "SFT")
    assert data.rows == 60_000
    assert data.coverage == "the first 600 rows"


# ---- the demo ----------------------------------------------------------------------------------


def test_twenty_minutes_of_codeforces_on_a_t4_cost_thirteen_cents_not_thirty():
    """The demo that circulates: Qwen3-0.6B on open-r1/codeforces-cots, t4-small, 20 minutes, "$0.30".

    That figure comes from 0.75 dollars an hour (and even that would be 0.25); the Hub's own price list says 0.40.
    """
    found = report("messages")
    data = dataclasses.replace(
        data_facts(found, "SFT"), name="open-r1/codeforces-cots", rows=47_780, tokens_per_row=9000.0,
        longest_tokens=30_000,
    )  # fmt: skip
    whole = recommend(model("Qwen3-0.6B"), found, data, MACHINES, Wishes(goal="instruction following"))
    assert (whole.method, whole.flavor) == ("SFT", "t4-small")
    short = whole.within(seconds=20 * 60)
    e = short.estimate
    assert 19 * 60 < e.seconds.mid <= 20 * 60
    assert e.usd.mid == pytest.approx(0.40 * 20 / 60, abs=0.005)
    assert "jobs-pricing" in e.prices_source
    assert short.rows_seen < 0.05 * data.rows  # a whole epoch is far away
    assert f"max_steps={short.settings.max_steps}" in short.script.partition(LESSON_END)[0]
    assert short.timeout_seconds >= e.seconds.high
    card = re.sub(r"<style>.*?</style>|<[^>]+>", " ", short._repr_html_(), flags=re.DOTALL).replace("\xa0", " ")
    for said in ("$0.13", "20 min", "at $0.40 an hour", "47,780 rows", f"{e.prices_source}, {e.prices_date}"):
        assert said in card
        assert said in str(short)
    assert f"{short.rows_seen:,} rows looked at" in card
    assert "$0.30" not in card + str(short)


def test_a_base_model_in_a_folder_is_planned_with_the_scripts_template_and_its_licence(sample_folders, tmp_path):
    import json
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
