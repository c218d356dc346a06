"""The exporter, headless; by a job against the stand-in Hub."""

from __future__ import annotations

import os

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.export.quantizations import QUANTIZATIONS
from hfft_widgets.errors import ExportError, HfftError, LaunchError
from tests.jobs.conftest import PRELUDE, until
from tests.widgets.html import fill, page, press

SCRIPT = """
tell("progress", stage="convert", fraction=0.25, message="Writing the weights as GGUF")
print("llama.cpp says", flush=True)
while not os.path.exists(GO):
    time.sleep(0.02)
tell("verified", verified=True, prompt="Which module?", answer="json", stopped=True, strings=3, eos="</s>",
     bytes=4_000_000, file="/models/tiny.gguf")
tell("end")
"""


def exports(panel, tmp_path, script=SCRIPT):
    """The panel's plan with another script, so that an export takes a moment."""
    plan = panel.make_plan()
    plan.__dict__["script"] = PRELUDE + f"GO = {str(tmp_path / 'go')!r}\n" + script
    return plan


@pytest.fixture
def panel(sample_folders):
    return hfft.GGUFExporter("sample:model")


def test_an_exporter_without_a_model_says_so(tmp_path):
    with pytest.raises(ExportError, match="Train one first"):
        hfft.GGUFExporter().export()
    panel = hfft.GGUFExporter(str(tmp_path / "nothing here"))
    with pytest.raises(HfftError):
        panel.export()
    assert panel.error is not None
    assert "nothing here" in page(panel).field("Model").error
    assert page(panel).status == "Not planned: see “Model” above."
    fill(panel, "Model", str(tmp_path / "another"))
    with pytest.raises(HfftError):
        panel.make_plan()
    assert "another" in page(panel).field("Model").error
    assert not page(hfft.GGUFExporter()).has_button("Export to GGUF")  # of what?


@pytest.mark.usefixtures("jobs")
def test_an_export_by_a_job_needs_the_model_on_the_hub(hub, made):
    panel = hfft.GGUFExporter(str(made[1]))
    assert page(panel).primary == ["Export to GGUF"]
    fill(panel, "Where", "cpu-basic")
    assert page(panel).primary == ["Look at the price"]
    fill(panel, "Hub repository", "user/tiny-GGUF")
    with pytest.raises(LaunchError, match="only on this machine"):
        panel.export()
    with pytest.raises(LaunchError, match="only on this machine"):
        panel.look()
    assert len(hub.jobs) == 0
    assert page(panel).has_button("Export on this machine instead")


@pytest.mark.usefixtures("jobs")
def test_a_file_without_a_place_gets_a_name_of_the_account(hub, plan):
    panel = hfft.GGUFExporter("user/tiny-llama")
    fill(panel, "Where", "cpu-basic")
    press(panel, "Look at the price")
    assert page(panel).field("Hub repository").value == "user/tiny-llama-GGUF"
    assert page(panel).primary[0].startswith("Start on cpu-basic, at most $")
    fill(panel, "Quantization", "Q8_0")
    assert page(panel).primary == ["Look at the price"]


def test_every_quantization_and_machine_the_core_knows_can_be_chosen():
    shown = page(hfft.GGUFExporter())
    assert set(shown.field("Quantization").choices.values()) == set(QUANTIZATIONS)
    assert shown.field("Quantization").value == "Q4_K_M"
    assert list(shown.field("Where").choices.values()) == [
        "local", "cpu-basic", "cpu-upgrade", "cpu-xl", "cpu-performance",
    ]  # fmt: skip
    assert shown.field("Where").choices["Hugging Face Jobs, cpu-xl (124 GB)"] == "cpu-xl"


def test_an_export_is_watched_to_its_answer(panel, tmp_path):
    panel.watch(hfft.launch(exports(panel, tmp_path)))
    until(lambda: page(panel).all(class_="chip") and page(panel).one(class_="chip").words == "Converting")
    running = page(panel)
    assert running.one(role="progressbar")["aria-valuenow"] == "25.0"
    assert [one.words for one in running.one(class_="stages").all(tag="li")] == [
        "Compute", "Convert", "Prove", "Quantize", "Compare", "Verify",
    ]  # fmt: skip
    assert running.has_button("Stop the export")
    assert running.labels == []  # what could be chosen is of no use now
    assert "data-since" not in str(panel.report())  # a saved file has nobody who counts
    press(panel, "What it printed")
    assert "llama.cpp says" in page(panel).one(role="log").text
    (tmp_path / "go").touch()
    until(lambda: panel.result is not None)
    ended = page(panel)
    assert ended.one(class_="chip").words == "Verified in llama.cpp"
    assert [one.words for one in ended.all(class_="answer")] == ["Which module?", "json"]
    assert ended.text.index("Which module?") < ended.text.index("4.0 MB")  # the answer first
    assert ended.text.index("4.0 MB") < ended.text.index("Use it in")
    commands = {}
    for program in ended.field("Use it in").choices:
        fill(panel, "Use it in", program)
        commands[program] = page(panel).one(class_="use").one(class_="copy")["data-copy"]
    assert list(commands) == ["llama.cpp", "Ollama", "LM Studio"]
    assert commands["llama.cpp"] == "llama-server -m /models/tiny.gguf"
    assert "ollama run" in commands["Ollama"]
    assert all(command.splitlines()[0] in page(panel.report()).text for command in commands.values())
    assert panel.summary().endswith("verified in llama.cpp")


KILLED = """
work = os.path.join(os.environ["HFFT_OUTPUT_DIR"], "work")
if not os.path.exists(work):
    os.makedirs(work)
    open(os.path.join(work, "model.whole.json"), "w").close()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_an_export_that_was_killed_goes_on_by_a_click(panel, tmp_path):
    (tmp_path / "go").touch()
    run = panel.watch(hfft.launch(exports(panel, tmp_path, KILLED + SCRIPT)))
    until(lambda: panel.failed is not None)
    assert page(panel).primary == ["Go on from what it had finished"]
    press(panel, "Go on from what it had finished")
    until(lambda: panel.result is not None)
    assert panel.result.id == run.id


def test_what_the_trained_model_said_stands_beside_it(panel, tmp_path):
    from hfft_widgets.cards.export import result_html

    export = panel.make_plan().finished({"prompt": "Which?", "answer": "json", "bytes": 1, "verified": True}, "/m.gguf")
    rows = [{"prompt": "Which?", "expected": "json", "after": "json", "before": ""}]
    shown = page(result_html(export, answers={"rows": rows, "count": 12, "score": {"after": 0.5, "before": 0}})).text
    assert "The trained model answered the same. That is what the data says." in shown
    assert "50% of 12 held-out questions right: the model as trained, not this file" in shown
    rows = [{"prompt": "Which?", "expected": "xml", "after": "xml", "before": ""}]
    shown = page(result_html(export, answers={"rows": rows, "count": 12})).text
    assert "The trained model answered: xml. The data says: xml." in shown


def test_a_failed_export_says_why_and_can_be_tried_again(panel, tmp_path):
    words = 'tell("error", type="StepFailedError", message="The disk is full of it.", remedy="")\nsys.exit(1)\n'
    panel.watch(hfft.launch(exports(panel, tmp_path, words)))
    until(lambda: panel.error is not None)
    failed = page(panel)
    assert "The disk is full of it." in failed.alert
    assert "The disk is full of it." in failed.one(tag="article").text  # where it was watched, and in the saved file
    assert "The disk is full of it." in panel.report()
    assert failed.one(class_="chip").words == "Failed"
    assert panel.result is None
    assert failed.primary == ["Export to GGUF"]
    fill(panel, "Quantization", "Q8_0")
    assert page(panel).all(tag="article") == []  # another plan: how the last one ended is no longer asked for
    assert page(panel).has_button("What it printed")


def test_an_export_is_stopped_and_found_again(panel, tmp_path):
    run = hfft.launch(exports(panel, tmp_path))
    panel.watch(run)
    again = hfft.GGUFExporter()
    again.opened()
    assert again.run.id == run.id
    press(again, "Stop the export")
    until(lambda: panel.run.stage.final)
    assert panel.run.stage == "CANCELED"
    assert panel.result is None
    until(lambda: panel.failed is not None)
    assert page(panel).one(class_="chip").words == "Stopped"
    assert "No half-made file stays" in page(panel).text


def test_a_training_is_no_export(hub, jobs):
    job = hub.jobs.add(["a"], labels={"hfft": "1"})
    with pytest.raises(ExportError, match="is no export"):
        hfft.GGUFExporter().watch(f"jobs:user/{job.id}")


def test_a_second_file_and_a_base_are_chosen_by_clicks(panel):
    fill(panel, "And beside it", "Q8_0")
    plan = panel.make_plan()
    assert plan.quantizations == ("Q4_K_M", "Q8_0")
    assert "Q8_0, about" in str(plan)
    fill(panel, "What it was trained on", "another/base")
    with pytest.raises(HfftError, match="another/base"):  # it is what is looked for now
        panel.make_plan()
