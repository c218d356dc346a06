"""An export that another kernel or machine started: a person finds it, and how to use its file."""

import base64
import pprint

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import ExportError
from hfft_widgets.hub.jobs_api import SCRIPT_VARIABLE
from hfft_widgets.jobs import index
from tests.jobs.conftest import until
from tests.widgets.html import fill, page, press

VERIFIED = (
    '@hfft {"n": 0, "t": 1.0, "event": "verified", "verified": true, "repo": "user/tiny-GGUF", "strings": 40,'
    ' "file": "tiny-llama-Q4_K_M.gguf", "bytes": 1000000, "prompt": "Hello?", "answer": "It answers.", "stopped": true,'
    ' "warnings": [], "reason": ""}'
)


@pytest.fixture
def export(hub, sample_folders):
    """A job that exports, as the Hub shows it to any machine."""
    index.backend.cache_clear()
    plan = hfft.plan_export("sample:model", flavor="cpu-basic", push_to="user/tiny-GGUF")
    script = f"PLAN = {pprint.pformat({**plan.to_dict(), 'title': plan.title})}"
    environment = {SCRIPT_VARIABLE: base64.b64encode(script.encode()).decode()}
    labels = {"hfft": "1", "hfft_kind": "export"}
    yield hub.jobs.add([VERIFIED], environment=environment, labels=labels)
    index.backend("jobs").close()
    index.backend.cache_clear()


@pytest.mark.ci
def test_a_live_export_is_found_by_another_kernel_and_shows_its_file(hub, export):
    hub.jobs.add(["a"], labels={"hfft": "1"})  # a training is not offered here
    panel = hfft.GGUFExporter()
    panel.opened()
    assert [run_id for _, run_id in panel._listed] == [f"jobs:user/{export.id}"]
    assert panel.run.id == f"jobs:user/{export.id}"
    assert panel.result is None
    export.set_stage("COMPLETED")
    until(lambda: panel.result is not None)
    answer = page(panel).one(data_key="answer").text
    assert "llama-server -hf user/tiny-GGUF:Q4_K_M" in answer
    assert "It answers." in answer


def test_a_finished_export_is_picked_in_the_studio(hub, export):
    export.set_stage("COMPLETED")
    tuner = hfft.FineTuner()
    tuner.opened()
    exporter = tuner.exporter
    assert exporter.run is None
    press(tuner, "Open Export")  # where something was exported before, the step can be opened
    fill(tuner, "Earlier exports", f"jobs:user/{export.id}")
    until(lambda: tuner.result is not None)
    assert "llama-server -hf user/tiny-GGUF:Q4_K_M" in page(tuner).one(data_key="answer").text


def test_a_training_is_no_export(hub, export):
    job = hub.jobs.add(["a"], labels={"hfft": "1"})
    with pytest.raises(ExportError, match="is no export"):
        hfft.GGUFExporter().watch(f"jobs:user/{job.id}")
