"""Running export scripts, or one step of them, as they run for people: in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hfft_widgets.core.export.script import MODULES
from hfft_widgets.core.run.events import Event, parse
from hfft_widgets.core.script import assemble

MARKERS = ["<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Ended:
    """How a script ended."""

    code: int
    output: str
    folder: Path

    @property
    def events(self) -> list[Event]:
        return [event for line in self.output.split("\n") if (event := parse(line))]

    def said(self, kind: str) -> dict:
        """The data of the only event of a kind."""
        (event,) = [event for event in self.events if event.kind == kind]
        return dict(event.data)

    @property
    def files(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir()) if self.folder.exists() else []


def start(script: str, folder: Path, **environment: str) -> subprocess.Popen:
    """Start a script with its output folder."""
    file = folder.parent / f"{folder.name} script.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(script, "utf-8")
    return subprocess.Popen(
        [sys.executable, str(file)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", start_new_session=True, env={**os.environ, "HFFT_OUTPUT_DIR": str(folder), **environment},
    )  # fmt: skip


def run(script: str, folder: Path, **environment: str) -> Ended:
    """Run a script to its end."""
    process = start(script, folder, **environment)
    output, _ = process.communicate(timeout=300)
    return Ended(process.returncode, output, folder)


def one_step(code: str) -> str:
    """A script whose recipe is `code`, with the real runtime below it."""
    return assemble(dependencies=[], recipe=code, modules=MODULES, plan={})


def call(name: str, /, **settings: object) -> str:
    """A script that runs one real step."""
    given = json.loads(json.dumps(settings, default=str))
    return one_step(f"def main():\n    print('RESULT', json.dumps(step({name!r}, 'Testing', **{given!r})))")


def result(ended: Ended) -> dict:
    """What the step of `call` found."""
    assert ended.code == 0, ended.output
    (line,) = [line for line in ended.output.split("\n") if line.startswith("RESULT ")]
    return json.loads(line.removeprefix("RESULT "))
