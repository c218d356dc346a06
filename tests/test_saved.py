"""Nothing old is lost: what earlier versions kept on disk and gave out as JSON still opens. See saved/README.md."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.data.fixes import Fix
from tests.widgets.html import page

SAVED = Path(__file__).parent / "saved"
VERSIONS = sorted(path.name for path in SAVED.iterdir() if path.name[:1].isdigit())
STEPS = list(range(1, 7))
STATUSES = {"READY", "NEEDS MAPPING", "BLOCKED BY ROWS", "INCOMPATIBLE"}


def read(path):
    return json.loads(path.read_text("utf-8"))


def items(name):
    """Every item of such files of all versions, as test cases."""
    kept = [(version, one) for version in VERSIONS for one in read(SAVED / version / f"{name}.json")]
    kinds = [one["saved"].get("rule") or next(iter(one["saved"]["targets"].values()))["how"] for _, one in kept]
    return [pytest.param(one, id=f"{version}-{kind}") for (version, one), kind in zip(kept, kinds, strict=True)]


def files(pattern):
    return [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in sorted(SAVED.glob(f"*/{pattern}"))]


@pytest.fixture(params=VERSIONS)
def old_home(request, home, monkeypatch):
    """A home as that version left it; nobody is signed in, and no network is asked."""
    from hfft_widgets.jobs import index

    index.backend.cache_clear()
    monkeypatch.delenv("HF_TOKEN", raising=False)
    shutil.copytree(SAVED / request.param / "home", home, dirs_exist_ok=True)
    for path in (home / "data" / "v1" / "runs").glob("*/*"):
        path.write_bytes(path.read_bytes().replace(b"/@HOME@", str(home).encode()))
        if path.name == "script.txt":
            path.rename(path.with_name("script.py"))
    yield home
    index.backend.cache_clear()


def run_of(kind, place):
    found = [run for run in hfft.runs() if run.kind == kind and run.id.startswith(place)]
    assert len(found) == 1
    return hfft.attach(found[0].id)


# ---- runs ----------------------------------------------------------------------------------------


def test_all_runs_are_listed(old_home):
    kinds = [(run.id.partition(":")[0], run.kind, str(run.stage)) for run in hfft.runs()]
    ended = [("jobs", "training"), ("local", "export"), ("local", "training")]
    assert sorted(kinds) == [(place, kind, "COMPLETED") for place, kind in ended]


@pytest.mark.parametrize("place", ["local", "jobs"])
def test_a_training_shows_what_it_showed(old_home, place):
    run = run_of("training", place).wait(20)
    assert run.stage is hfft.Stage.COMPLETED
    assert run.complete
    assert [point.step for point in run.history["loss"]] == STEPS
    assert [point.step for point in run.history["eval_loss"]][-1] == 6
    assert run.error is None
    assert run.diagnosis is None
    assert "Loading weights" in run.log
    assert "@hfft" not in run.log
    assert run.script.startswith("# /// script")
    assert run.title == "SFT of tiny-llama (LoRA)"
    assert len(run.fingerprint) == 16
    assert run.plan["method"] == "SFT"
    assert run.plan["settings"]["max_steps"] == 6
    assert (run.cost_usd or 0) < 0.01
    assert len(run.journal.data("answers")["rows"]) == 2
    assert repr(run) == f"Run({run.id!r}, 'SFT of tiny-llama (LoRA)', COMPLETED, step 6 of 6)"


def test_a_job_keeps_its_price(old_home):
    assert run_of("training", "jobs").wait(20).cost_usd > 0


def test_an_export_shows_what_it_showed(old_home):
    run = run_of("export", "local").wait(20)
    assert run.stage is hfft.Stage.COMPLETED
    assert run.journal.data("verified")["verified"] is True
    assert run.plan["quantization"] == "Q8_0"
    assert run.error is None


@pytest.mark.parametrize("place", ["local", "jobs"])
def test_its_card_shows_its_figures_and_its_plan(old_home, place):
    run = run_of("training", place)
    monitor = hfft.TrainingMonitor(run.id)
    card = page(monitor).words
    assert "SFT of tiny-llama (LoRA)" in card
    assert "Completed" in card
    assert "of 2 held-out questions right" in card
    assert "Which module is this from?" in card  # an answer before and after
    assert ("stimate" in card) == (place == "jobs")  # of the plan that is kept with the run; here nothing is paid
    assert "What happened" not in card


def test_where_its_model_is(old_home):
    run = run_of("training", "local").wait(20)
    assert run.output is None  # nothing is there
    folder = old_home / "data" / "v1" / "runs" / run.id.partition(":")[2] / "output"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}", "utf-8")
    assert run.output == folder


# ---- mappings and fixes --------------------------------------------------------------------------


@pytest.mark.parametrize("kept", items("mappings"))
def test_a_mapping_still_maps(kept):
    mapping = hfft.ColumnMapping.from_dict(kept["saved"])
    assert mapping.apply(kept["rows"]) == kept["applied"]
    code = mapping.code(kept["rows"][0])
    compile(code, "<mapping>", "exec")
    assert all(json.dumps(column) in code for column in mapping.sources)
    assert hfft.ColumnMapping.from_dict(json.loads(json.dumps(mapping.to_dict()))) == mapping


@pytest.mark.parametrize("kept", items("fixes"))
def test_a_fix_still_fixes(kept):
    fix = Fix.from_dict(kept["saved"])
    assert fix.apply(kept["rows"]) == kept["applied"]
    compile(fix.code(), "<fix>", "exec")
    assert Fix.from_dict(json.loads(json.dumps(fix.to_dict()))) == fix
    assert fix.to_dict()["rule"] == kept["saved"]["rule"]


# ---- reports and plans ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", files("report_*.json"))
def test_a_report_comes_out_the_same(path):
    """Its mappings and fixes, agreed to again on the same rows, give the same verdicts and the same rows."""
    kept = read(path)
    was = kept["report"]
    report = hfft.validate(kept["rows"], learned=was.get("learned", "all"))  # as reports took it before
    for method, mapping in was["mappings"].items():
        report = report.with_mapping(method, hfft.ColumnMapping.from_dict(mapping))
    assert brief(finding.to_dict() for finding in report.findings) == brief(kept["before"])
    report = report.with_fixes(*map(Fix.from_dict, was["fixes"]))
    now = report.to_dict()
    assert now.keys() >= was.keys()
    for name in ("total", "columns", "recommended", "mappings", "coverage"):
        assert now[name] == was[name], name
    if "as_text" not in path.name:  # what JSON text writes is counted now, and no longer its brackets and keys
        assert now["statistics"] == was["statistics"]
    assert brief(now["findings"]) == brief(was["findings"])
    assert {m: v["status"] for m, v in now["verdicts"].items()} == {m: v["status"] for m, v in was["verdicts"].items()}
    for method, verdict in was["verdicts"].items():
        assert verdict["status"] in STATUSES
        assert now["verdicts"][method].keys() >= verdict.keys()


def brief(findings):
    return sorted((one["rule"], one["count"], one["effects"], one["rows"]) for one in findings)


@pytest.mark.parametrize("path", files("plan_*.json"))
def test_a_plan_of_today_says_all_that_an_old_one_said(path, sample_folders):
    was = read(path)
    kind = {"SFT": "messages", "DPO": "preference", "GRPO": "verifiable"}[was["method"]]
    report = hfft.validate(f"sample:{kind}", model="sample:model")
    now = hfft.plan_training("sample:model", report, method=was["method"], flavor="local").to_dict()
    assert now.keys() >= was.keys()
    for part in ("settings", "data", "facts", "estimate"):
        assert now[part].keys() >= was[part].keys(), part


@pytest.mark.parametrize("path", files("plan_*.json"))
def test_the_settings_of_an_old_plan_make_a_new_one(path, sample_folders):
    was = read(path)
    kind = {"SFT": "messages", "DPO": "preference", "GRPO": "verifiable"}[was["method"]]
    report = hfft.validate(f"sample:{kind}", model="sample:model")
    chosen = {name: was[name] for name in ("method", "peft", "flavor", "push_to")}
    plan = hfft.plan_training("sample:model", report, **chosen, **was["settings"])
    now = json.loads(json.dumps(plan.to_dict()))
    assert {name: now["settings"][name] for name in was["settings"]} == was["settings"]
    assert plan.title == was["title"]
