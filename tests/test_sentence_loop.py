"""The sentence this project grew from, to its end: by the verbs that every door calls, and on the page.

Against the stand-in Hub, in processes of their own. The model there has the name of Qwen3-0.6B and is a tiny one, so
the hours of the real dataset are stood in for by many epochs; what runs to its end is a few steps of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfft_widgets import samples
from hfft_widgets.sentence import EXAMPLES
from tests.hub_client.conftest import holding
from tests.standin_hub import WRITE_TOKEN, StandInHub
from tests.test_jobs_loop import ask

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

SENTENCE = EXAMPLES[0]
CONFIGS = {"solutions": "cpp", "solutions_py": "python"}
CARD = "---\nconfigs:\n" + "".join(f"- config_name: {c}\n  data_files: {c}/train-*.jsonl\n" for c in CONFIGS) + "---\n"
BEGIN = f"""
from hfft_widgets import sentence, verbs
from hfft_widgets.jobs.money import Allowance

asked = sentence.read({SENTENCE!r})
MANY = {{"num_train_epochs": 400}}
"""
VERBS = """
try:
    verbs.validate(asked.dataset, model=asked.model)
except errors.DataError as error:
    choose = str(error)
found = verbs.validate(asked.dataset, model=asked.model, config="solutions_py")
given = {"model": asked.model, "data": asked.dataset, "config": "solutions_py", "goal": asked.goal,
         "flavor": "cpu-basic", "push_to": "user/cots"}
try:
    verbs.plan(**given)
except errors.PlanError as error:
    unmapped = str(error)
hours = verbs.plan(**given, use_mapping=True, settings=MANY)
first = verbs.plan(**given, use_mapping=True, settings=MANY, minutes=20)
short = {"max_steps": 6, "rows": 64, "logging_steps": 1, "eval_steps": 3, "questions": 2, "batch_size": 4}
plan = verbs.plan(**given, use_mapping=True, settings=short).values
allowed = Allowance(0.05, day_usd=0.1)
run = verbs.launch(plan["fingerprint"], plan["ceiling_usd"], allowance=allowed).values["run"]
while not (seen := verbs.wait(run, seconds=60).values)["complete"]:
    pass
export = verbs.export(run, quantization="Q8_0", flavor="cpu-basic", push_to="user/cots-GGUF").values
made = verbs.launch(export["fingerprint"], export["ceiling_usd"], allowance=allowed)
while not (gguf := verbs.wait(made.values["run"], seconds=60).values)["complete"]:
    pass
say(asked=asked.to_dict(), choose=choose, found=found.text, unmapped=unmapped, hours=hours.values["warnings"],
    hours_seconds=hours.values["estimate"]["seconds"]["mid"], first=first.values["estimate"], settings=plan["settings"],
    ceiling=plan["ceiling_usd"], seen={name: seen[name] for name in ("stage", "curves", "cost_usd", "log")},
    gguf={name: gguf[name] for name in ("stage", "log", "diagnosis")},
    verified=dict(hfft.attach(made.values["run"]).journal.data("verified")),
    ledger=verbs.ledger().values["entries"])
"""
PAGE = """
from tests.widgets.html import fill, page, press

tuner = hfft.FineTuner("", model="")
tuner.ask.fill_in(asked.text)
press(tuner, "Check dataset")
said = page(tuner).text
offered = [one["value"] for one in page(tuner).all(tag="option")]
fill(tuner, "Configuration", "solutions_py")
press(tuner, "Check dataset")
recommended = tuner.data.result.recommended
too_long = "1,024" in page(tuner).text
press(tuner, "Use this mapping for SFT")
tuner.planner.put("where", "jobs")
tuner.planner.put("push_to", "user/cots")
tuner.planner.prefer(**MANY)
press(tuner, "Make a plan")
tuner.planner.change(flavor="cpu-basic")
hours = tuner.planner.result
(label,) = [words for words in page(tuner).buttons if words.startswith("Try ")]
press(tuner, label)
first = tuner.planner.result
press(tuner, "Look at the price")
say(said=said, offered=offered, recommended=recommended, too_long=too_long, label=label,
    hours=hours.estimate.seconds.mid, first=first.estimate.seconds.mid, goal=first.goal, method=first.method,
    primary=page(tuner).primary)
"""


def row(number: int, language: str) -> dict:
    """As in open-r1/codeforces-cots: each seventh answer is a long one."""
    steps = " ".join(f"step {step} of {number}" for step in range(900 if number % 7 == 0 else 20))
    answer = f"<think>\n{steps}\n</think>\n```{language}\nprint({number})\n```"
    prompt = f"Write a program that prints {number}."
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return {"id": f"{number}/A", "language": language, "prompt": prompt, "generation": answer, "messages": turns}


@pytest.fixture
def hub(tmp_path: Path, sample_folders: Path) -> Iterator[StandInHub]:
    with StandInHub(tmp_path) as running:
        running.jobs.schedule_seconds = 0.05
        running.add_model(samples.model(), "Qwen/Qwen3-0.6B")
        lines = {c: "\n".join(json.dumps(row(n, language)) for n in range(300)) for c, language in CONFIGS.items()}
        files = {f"{config}/train-00000.jsonl": text for config, text in lines.items()}
        running.add_dataset("open-r1/codeforces-cots", files={**files, "README.md": CARD})
        yield running
        assert not running.errors, running.errors
    assert holding(tmp_path, (WRITE_TOKEN,)) == []


def test_the_sentence_leads_to_a_file_on_the_hub(hub: StandInHub) -> None:
    told = ask(hub, BEGIN + VERBS, seconds=560)
    assert told["asked"]["model"] == "Qwen/Qwen3-0.6B"
    assert "names no owner" in told["asked"]["assumed"][0]["why"]
    assert told["asked"]["goal"] == "instruction following"
    assert "Choose one: 'solutions', 'solutions_py'" in told["choose"]
    assert "Recommended: SFT: NEEDS MAPPING" in told["found"]
    assert "the end is cut off" in told["found"]  # long answers are seen
    assert "nobody agreed to that yet" in told["unmapped"]
    assert told["hours_seconds"] > 3600
    assert any("A first try of 20 min reads" in words for words in told["hours"])
    assert 15 * 60 < told["first"]["seconds"]["mid"] <= 20 * 60
    assert told["settings"]["rows"] == 64
    assert told["seen"]["stage"] == "COMPLETED", told["seen"]["log"]
    assert [step for step, _ in told["seen"]["curves"]["loss"]] == list(range(1, 7))
    assert 0 < told["seen"]["cost_usd"] <= told["ceiling"]
    assert hub.repo("models", "user/cots").private
    assert told["gguf"]["stage"] == "COMPLETED", told["gguf"]["diagnosis"]
    assert told["verified"]["verified"] is True
    assert hub.read("models", "user/cots-GGUF", Path(told["verified"]["file"]).name).startswith(b"GGUF")
    assert [entry["state"] for entry in told["ledger"]] == ["started", "started"]
    assert len(hub.jobs) == 2


def test_the_page_takes_the_sentence_and_a_person_chooses_and_agrees(hub: StandInHub) -> None:
    told = ask(hub, BEGIN + PAGE)
    assert "Filled in, nothing is started" in told["said"]
    assert "several configurations" in told["said"]
    assert {"solutions", "solutions_py"} <= set(told["offered"])
    assert (told["recommended"], told["method"], told["goal"]) == ("SFT", "SFT", "instruction following")
    assert told["too_long"]
    assert told["hours"] > 3600 > told["first"]
    assert told["label"] == "Try 20 min first"
    assert told["primary"][0].startswith("Start on cpu-")
    assert len(hub.jobs) == 0  # nothing was started
