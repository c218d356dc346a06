"""Recordings that need a place of their own: a process with little memory, and a job on the stand-in Hub."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import hfft_widgets as hfft
from hfft_widgets import samples
from hfft_widgets.jobs.run import Run
from tests.samples.recorded.keep import keep
from tests.samples.recorded.recipes import planned
from tests.standin_hub import StandInHub, demo

_MEMORY_BYTES = 7 * 2**30  # of addresses: torch and the tiny model take about half of it
_STAND_IN = (
    "A real run by Hugging Face's own client, on a processor: the Hub behind it was the tests' stand-in on the same "
    "machine, prices and times are its own"
)


def memory() -> Run:
    """Rows of one step that do not fit into memory."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    plan = planned("sample:messages", batch_size=2400, max_steps=10, questions=4, eval_rows=8)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, before[1]))
    try:
        return hfft.launch(plan).wait()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def job() -> None:
    """A job on a rented machine: waiting, money so far, the result on the Hub."""
    root = Path(__file__).parents[3]
    with tempfile.TemporaryDirectory() as folder, StandInHub(Path(folder)) as hub:
        hub.jobs.schedule_seconds = 8
        hub.add_model(samples.model(), "user/tiny-llama")
        demo._dataset(hub, "messages")
        home = Path(folder) / "home"
        environment = {**hub.environment(home=home / "hf"), "HFFT_HOME": str(home / "hfft"), "PYTHONPATH": str(root)}
        environment |= {"HF_HUB_OFFLINE": "0"}
        subprocess.run([sys.executable, "-m", __spec__.name, folder], env=os.environ | environment, check=True)


def on_the_stand_in(folder: str) -> Path:
    """What runs in a process that knows that Hub alone."""
    report = hfft.validate("user/python-docs-messages", model="user/tiny-llama", split="train")
    wanted = {"max_steps": 60, "logging_steps": 2, "eval_steps": 20, "eval_rows": 24, "questions": 8, "peft": "lora"}
    plan = hfft.plan_training(
        "user/tiny-llama", report, method="SFT", flavor="cpu-basic", push_to="user/tiny-tuned", **wanted
    )
    limit, _ = hfft.preflight(plan)
    run = hfft.launch(plan, max_usd=limit.usd).wait()
    assert run.stage == "COMPLETED", run.log[-2000:]
    price = plan.estimate.usd_per_hour
    return keep("job", run, job.__doc__ or "", made=_STAND_IN, hide=folder, usd_per_hour=price)


if __name__ == "__main__":
    print(on_the_stand_in(sys.argv[1]))
