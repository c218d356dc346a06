"""Writes what the installed version keeps on disk and gives out as JSON, for tests of later versions.

    python -m tests.saved.make tests/saved/0.2.0

Only names that people use, so that the same file runs under another version. About a minute: one short training and
its export here, one training on the stand-in Hub.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.saved import cases

SHORT = {"method": "SFT", "peft": "lora", "max_steps": 6, "logging_steps": 1, "eval_steps": 3, "eval_rows": 8,
         "questions": 2, "batch_size": 4}  # fmt: skip
LEFT = {"output", ".lock"}  # weights, and what holds nothing
_OFFLINE = {**os.environ, "HF_HUB_OFFLINE": "1"}


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) / "home"
        _started("run_here", home)
        _on_the_hub(Path(temporary), home)
        _started("write_values", home, target)
        for kind in ("runs", "jobs"):
            shutil.copytree(home / "data" / "v1" / kind, target / "home" / "data" / "v1" / kind,
                            ignore=lambda _, names: LEFT & set(names))  # fmt: skip
        _without_this_machine(target, home)


def _started(function: str, home: Path, *words: object, environment: Mapping[str, str] | None = None) -> str:
    code = f"from tests.saved import make; make.{function}(*__import__('sys').argv[1:])"
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, env={**(environment or _OFFLINE), "HFFT_HOME": str(home)}, stdout=subprocess.PIPE,
                          text=True, check=True)  # fmt: skip
    return done.stdout.strip()


def run_here() -> None:
    """One short training on this machine, and the export of what it made."""
    import hfft_widgets as hfft

    report = hfft.validate("sample:messages", model="sample:model")
    run = hfft.launch(hfft.plan_training("sample:model", report, flavor="local", **SHORT)).wait(300)
    assert run.stage == "COMPLETED", run.log
    export = hfft.launch(hfft.plan_export(run, quantization="Q8_0")).wait(300)
    assert export.stage == "COMPLETED", export.log


def _on_the_hub(folder: Path, home: Path) -> None:
    from tests.standin_hub import StandInHub, demo

    with StandInHub(folder) as hub:
        hub.jobs.schedule_seconds = 0.05
        hub.add_model(Path(_started("model_folder", home)), "user/tiny-llama")
        demo._dataset(hub, "messages")
        _started("run_there", home, environment=hub.environment(home=folder / "hf"))


def model_folder() -> None:
    """Where the sample model is."""
    from hfft_widgets import samples

    print(samples.model())


def run_there() -> None:
    """The same as a job."""
    import hfft_widgets as hfft

    report = hfft.validate("user/python-docs-messages", model="user/tiny-llama", split="train")
    plan = hfft.plan_training("user/tiny-llama", report, flavor="cpu-basic", push_to="user/tiny-tuned", **SHORT)
    run = hfft.launch(plan, on="jobs", max_usd=1.0).wait(300)
    assert run.stage == "COMPLETED", run.log


def write_values(target: str) -> None:
    """Plans, reports, mappings and fixes as JSON values."""
    import hfft_widgets as hfft
    from hfft_widgets.core.data.fixes import Fix

    folder = Path(target)
    for method, kind in (("SFT", "messages"), ("DPO", "preference"), ("GRPO", "verifiable")):
        report = hfft.validate(f"sample:{kind}", model="sample:model")
        plan = hfft.plan_training("sample:model", report, method=method, flavor="local")
        _write(folder / f"plan_{method}.json", plan.to_dict())
    for name, (rows, method, fixed) in cases.REPORTS.items():
        report = hfft.validate(rows)
        if mapping := report.verdicts[method].mapping:
            report = report.with_mapping(method, mapping)
        found = [finding.to_dict() for finding in report.findings]
        fixes = [finding.fix for finding in report.findings if fixed and finding.fix]
        values = {"rows": rows, "before": found, "report": report.with_fixes(*fixes).to_dict()}
        _write(folder / f"report_{name}.json", values)
    for name, kind, chosen in (("mappings", hfft.ColumnMapping, cases.MAPPINGS), ("fixes", Fix, cases.FIXES)):
        made = [(kind.from_dict(values), rows) for values, rows in chosen]
        kept = [{"saved": one.to_dict(), "rows": rows, "applied": one.apply(rows)} for one, rows in made]
        _write(folder / f"{name}.json", kept)


def _write(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _without_this_machine(target: Path, home: Path) -> None:
    """Its paths become `/@HOME@` and `/@MACHINE@`, its name another; what is said of a log's length stays true."""
    marks = {str(home): "/@HOME@"} | dict.fromkeys((str(home.parent), sys.prefix, sys.base_prefix), "/@MACHINE@")
    for path in [path for path in target.rglob("*") if path.is_file()]:
        text = path.read_bytes().decode("utf-8")
        for here, mark in marks.items():
            text = text.replace(here, mark)
        path.write_bytes(text.encode())
    for path in target.rglob("script.py"):
        path.rename(path.with_name("script.txt"))  # neither lint nor pytest shall take it for one of ours
    for path in target.rglob("state.json"):
        state = json.loads(path.read_text("utf-8"))
        state["place"] |= {"host": "another", "boot": "00000000-0000-0000-0000-000000000000"}
        path.write_text(json.dumps(state), "utf-8")
    for path in target.rglob("mark.json"):
        mark = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(mark | {"bytes": (path.parent / "log").stat().st_size}), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
