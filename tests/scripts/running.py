"""Running training scripts as they run for people: each in a process of its own, with its own output.

Such a process takes about six seconds to import torch and TRL. `start` forks it from one that has imported them
already, where the system can fork; `start_cold` starts `python script.py`.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hfft_widgets.core.plan.data_stats import DataStats
from hfft_widgets.core.plan.hardware import local_flavor
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.core.plan.settings import Settings
from hfft_widgets.core.run.events import Event, parse
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.sources.models import read_folder

_TRAINERS = [f"trl.trainer.{name}_trainer" for name in ("sft", "dpo", "kto", "reward", "grpo", "rloo")]
_CONTEXT = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")
if os.name != "nt":
    _CONTEXT.set_forkserver_preload(
        ["torch", "datasets", "peft", "transformers.models.llama.modeling_llama", *_TRAINERS]
    )


class Script:
    """A started script: what it said so far, and how it ended."""

    def __init__(self, process: Any, output: Path) -> None:
        self.process = process
        self.output = output

    def wait(self, timeout: float = 300) -> Script:
        """Wait for its end."""
        wait = self.process.join if hasattr(self.process, "join") else self.process.wait
        with contextlib.suppress(subprocess.TimeoutExpired):
            wait(timeout)
        if self.code is None:
            self.process.kill()
            raise TimeoutError(self.log)
        return self

    def wait_for(self, wanted: Callable[[Event], bool], timeout: float = 120) -> Event:
        """Wait until it has told a certain event."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if found := next(filter(wanted, self.events), None):
                return found
            assert self.code is None, self.log
            time.sleep(0.01)
        raise TimeoutError(self.log)

    def send(self, signum: int) -> None:
        os.kill(self.process.pid, signum)

    def kill(self) -> None:
        self.process.kill()
        self.wait(30)

    @property
    def code(self) -> int | None:
        return self.process.exitcode if hasattr(self.process, "exitcode") else self.process.poll()

    @property
    def text(self) -> str:
        return self.output.read_text("utf-8") if self.output.exists() else ""

    @property
    def events(self) -> list[Event]:
        return [event for line in self.text.split("\n") if (event := parse(line))]

    @property
    def journal(self) -> Journal:
        journal = Journal()
        journal.feed(self.text.encode())
        return journal

    @property
    def log(self) -> str:
        return self.journal.log

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Rows that a script with `keeping_rows` had: "dataset", or "train" and "eval" as the trainer prepared them."""
        lines = (self.output.parent / f"{name}.jsonl").read_text("utf-8")
        return [json.loads(line) for line in lines.split("\n") if line]

    @property
    def losses(self) -> dict[int, tuple[float | None, float | None]]:
        """Step -> (loss, gradient norm)."""
        logs = [event for event in self.events if event.kind == "log" and event.step]
        return {event.step: (event.metrics["loss"], event.metrics["grad_norm"]) for event in logs}


def start(script: str, folder: Path, **environment: str | None) -> Script:
    """Start a script in a process forked from one with torch and TRL in it."""
    file, output, variables = _prepare(script, folder, environment)
    process = _CONTEXT.Process(target=_become, args=(str(file), variables, str(output)))
    process.start()
    return Script(process, output)


def start_cold(script: str, folder: Path, arguments: Iterable[str] = (), **environment: str | None) -> Script:
    """Start `python script.py`; a variable that is None is not set."""
    file, output, variables = _prepare(script, folder, environment)
    with output.open("wb") as out:
        command = [sys.executable, "-u", file.name, *arguments]
        return Script(subprocess.Popen(command, cwd=folder, env=variables, stdout=out, stderr=out), output)


def run(script: str, folder: Path, **environment: str) -> Script:
    """Run a script to its end."""
    return start(script, folder, **environment).wait()


def keeping_rows(script: str) -> str:
    """The script, which also writes down what it trains on, pictures aside (see `Script.rows`)."""
    last = "    return train(\n"
    assert script.count(last) == 1
    kept = {"dataset": "dataset", "train": "trainer.train_dataset", "eval": "trainer.eval_dataset"}
    names = ", ".join(f'"{name}": {rows}' for name, rows in kept.items())
    lines = f"""    for name, rows in {{{names}}}.items():
        pictures = [column for column in rows.column_names if column in {{"image", "images"}}]
        rows.remove_columns(pictures).to_json(f"{{name}}.jsonl")
"""
    return script.replace(last, lines + last)


def _prepare(script: str, folder: Path, environment: Mapping[str, str | None]) -> tuple[Path, Path, dict[str, str]]:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "script.py"
    file.write_text(script, "utf-8")
    output = folder / f"output-{len(list(folder.glob('output-*')))}.txt"
    settled = {"HFFT_OUTPUT_DIR": str(folder / "out"), "HF_HUB_OFFLINE": "1", "HFFT_WORD": ""}
    variables = {**os.environ, **settled, **environment}
    return file, output, {name: value for name, value in variables.items() if value is not None}


def _become(script: str, variables: dict[str, str], output: str) -> None:
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(Path(script).parent)
    out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sys.stdout.flush()
    os.dup2(out, 1)
    os.dup2(out, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")


# ---- plans without a report: the rows are what a trainer reads ---------------------------------

SHORT = {
    "max_steps": 3,
    "logging_steps": 1,
    "eval_steps": 3,
    "save_steps": 3,
    "eval_rows": 4,
    "questions": 2,
    "batch_size": 2,
    "max_length": 128,
    "learning_rate": 5e-4,
    "num_generations": 2,
    "max_completion_length": 8,
}


def plan_on(
    rows: Iterable[Mapping[str, Any]], folder: Path, model: Path, method: str, peft: str = "none", **changes: Any
) -> TrainingPlan:
    """A plan to train a model folder on rows for a few steps, on this machine."""
    kept = [dict(row) for row in rows]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, kept)), "utf-8")
    data = DataStats(
        name="rows",
        reference={"path": "json", "data_files": str(file), "split": "train"},
        code=changes.pop("code", ""),
        columns=tuple(kept[0]),
        conversational=any(isinstance(value, list) and "role" in value[0] for value in kept[0].values()),
        rows=len(kept),
        tokens_per_row=60.0,
        longest_tokens=128,
    )
    machine = local_flavor(8 * 2**30, 0.1)
    facts = read_folder(model).facts(str(model), local=True)
    push_to = changes.pop("push_to", None)
    settings = Settings(**{**SHORT, **changes})
    return TrainingPlan(str(model), method, peft, "local", settings, data, facts, (machine,), push_to=push_to)


def rows_for(method: str, count: int = 40) -> Iterator[dict[str, Any]]:
    """Rows that a method reads, about numbers."""
    for number in range(count):
        prompt = [{"role": "user", "content": f"What comes after {number}?"}]
        right, wrong = ([{"role": "assistant", "content": str(number + step)}] for step in (1, 7))
        yield {
            "SFT": {"messages": prompt + right},
            "DPO": {"prompt": prompt, "chosen": right, "rejected": wrong},
            "KTO": {"prompt": prompt, "completion": right if number % 2 else wrong, "label": bool(number % 2)},
            "Reward": {"chosen": prompt + right, "rejected": prompt + wrong},
            # letters, of which even a model that knows nothing gets different shares
            "GRPO": {"prompt": prompt, "answer": "the next number is larger by one, as always"},
            "RLOO": {"prompt": prompt, "answer": "the next number is larger by one, as always"},
        }[method]
