"""The installed TRL asked about a report: it agrees, or what it does otherwise is said."""

from __future__ import annotations

import time
from functools import partial

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.data.report import validate_rows
from hfft_widgets.errors import DataError
from hfft_widgets.jobs.asking import proof
from tests.core.data.small import CHATML, assistant, user

pytest.importorskip("trl")
STRICT = "{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}" + CHATML
ROWS = [{"messages": [user(f"Why {n}?"), assistant(f"So {n}."), user("And?"), assistant("Thus.")]} for n in range(9)]
ROWS[3] = {"messages": [{"role": "system", "content": "Be kind."}, *ROWS[3]["messages"]]}
ROWS[5] = {"messages": [user("Anybody?")]}


def test_what_the_trainer_does_otherwise_is_said(sample_folders):
    """The tokenizer's own template takes the system turn that the template of the report refuses."""
    prover = partial(proof.prove, folder=hfft.samples.model())
    report = validate_rows(
        ROWS, name="chats", model="drifted", template=STRICT, prover=lambda r, m, p: prover(r, methods=m)
    )
    assert report.verdicts["SFT"].status == "BLOCKED BY ROWS"
    found = report.prove(["SFT", "DPO"])
    said = {(trial.method, trial.refuses): trial for trial in found.trials}
    assert said["SFT", None].agrees
    assert len(said["SFT", None].rows) >= 2
    assert said["SFT", 5].agrees
    assert said["SFT", 5].raised
    assert not said["SFT", 3].agrees
    assert said["DPO", None].not_tried
    assert not found.agrees
    assert found.differences == (said["SFT", 3],)
    assert "It took row 3, at which it stops by the report" in str(found)
    assert found.versions["trl"]
    assert "row 3" in found.to_html()


def test_without_the_packages_it_says_what_to_install(sample_folders, monkeypatch):
    monkeypatch.setattr(proof, "_MODULES", {"a_package_of_nobody": "train"})
    found = hfft.validate(ROWS, model="sample:model").prove()
    assert not found.agrees
    assert 'pip install "hfft-widgets[train]"' in found.not_tried
    assert "Not tried" in str(found)
    assert "pip install" in found.to_html()


def test_it_can_be_cancelled_and_the_child_is_gone(sample_folders):
    def stop(done: int, total: int) -> None:
        raise InterruptedError("Stopped.")

    began = time.monotonic()
    with pytest.raises(InterruptedError):
        hfft.validate(ROWS, model="sample:model").prove(["SFT"], progress=stop)
    assert time.monotonic() - began < 30


def test_a_proof_needs_a_model_and_a_method():
    with pytest.raises(DataError, match="needs a model's tokenizer"):
        hfft.validate(ROWS).prove()
    report = validate_rows(ROWS, name="x", prover=lambda r, m, p: proof.prove(r, None, m, p))
    with pytest.raises(DataError, match="no method 'PPO'"):
        report.prove(["PPO"])
