"""Asking both models: the same question, the same way, in a process of its own."""

from __future__ import annotations

import json

import pytest

import hfft_widgets as hfft
from hfft_widgets import cli
from hfft_widgets.errors import ExportError, RunError
from tests.scripts.running import plan_on, rows_for


@pytest.mark.full
@pytest.mark.usefixtures("sample_folders")
def test_both_answer_and_the_answers_while_it_trained_are_kept(tmp_path, capsys):
    run = hfft.launch(plan_on(rows_for("SFT"), tmp_path, hfft.samples.model(), "SFT", "lora", questions=3)).wait(180)
    assert run.stage == "COMPLETED", run.log
    told = run.to_dict()["samples"]
    assert len(told) == 3
    assert told[0]["answers"][0][0] == 0
    first, longest = run.journal.data("answers")["rows"][0], run.journal.data("answers")["longest"]
    both = run.answer(first["prompt"], longest=longest)
    assert both.untrained.strip() == first["before"].strip()
    assert both.trained.strip() == first["after"].strip()
    warm = run.answer(first["prompt"], "trained", temperature=1.0, longest=8)
    assert warm.untrained is None
    assert warm == run.answer(first["prompt"], "trained", temperature=1.0, longest=8)
    with pytest.raises(RunError, match="both, trained, untrained"):
        run.answer("?", "all")
    assert cli.main(["run", run.id, "--question", first["prompt"], "--json"]) == 0
    asked = json.loads(capsys.readouterr().out)["asked"]
    for name, kept in (("untrained", first["before"]), ("trained", first["after"])):
        assert asked[name].strip().startswith(kept.strip()), "as in Python, and longer"


def test_a_run_without_a_model_cannot_be_asked(start):
    with pytest.raises(ExportError, match="no finished model"):
        start("tell('end')").wait(30).answer("Who are you?")
