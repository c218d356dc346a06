"""A run that another process starts shows in an open page within two seconds, and the other way round."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.harness import LabServer, NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.ci]

AGENT = """
import json, sys, time
from hfft_widgets.agent import jupyter
from tests.verbs.conftest import kept

for line in sys.stdin:
    name, values = json.loads(line)
    if name == "plan":
        kept(values["fingerprint"], title=values["title"], body="while True: time.sleep(0.1)")
        found = {}
    else:
        found = getattr(jupyter, name)(**values).model_dump(mode="json")
    print(json.dumps([time.time(), found]), flush=True)
"""


class Agent:
    """A process of its own that holds the tools of Jupyter's agents."""

    def __init__(self, env: dict[str, str]) -> None:
        words = [sys.executable, "-c", AGENT]
        self.process = subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started: list[str] = []

    def call(self, name: str, **values: object) -> tuple[float, dict]:
        """When the tool had answered, and what."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([name, values]) + "\n")
        self.process.stdin.flush()
        return tuple(json.loads(self.process.stdout.readline()))

    def launch(self, fingerprint: str, title: str) -> float:
        """Start a run that lasts; when it was started."""
        self.call("plan", fingerprint=fingerprint, title=title)
        when, found = self.call("hfft_launch", fingerprint=fingerprint)
        self.started.append(found["run"])
        return when


@pytest.fixture
def agent(lab: LabServer) -> Iterator[Agent]:
    made = Agent({**os.environ, "HFFT_HOME": lab.env["HFFT_HOME"]})
    made.call("hfft_runs")  # it is there
    yield made
    for run in made.started:
        made.call("hfft_control", run_id=run, action="cancel")
    made.process.communicate(timeout=20)


def test_what_an_agent_starts_shows_at_once_and_takes_nothing_from_who_watches(
    notebook: NotebookPage, lab: LabServer, agent: Agent
) -> None:
    notebook.open(lab.write("elsewhere.ipynb", "import hfft_widgets as hfft\n\nhfft.TrainingMonitor()"))
    notebook.run_all()
    root = notebook.page.locator(".hfft-root")
    expect(root).to_be_visible()

    started = agent.launch("a" * 16, "SFT of one")
    expect(root.get_by_role("button", name="Cancel the run")).to_be_visible()
    assert time.time() - started < 2
    expect(root).to_contain_text("SFT of one")

    started = agent.launch("b" * 16, "SFT of <b>two</b>")
    offer = root.get_by_role("status").and_(root.locator(".elsewhere"))
    expect(offer).to_contain_text("Started elsewhere: SFT of <b>two</b>.")
    assert time.time() - started < 2
    expect(root.get_by_role("article", name="Run: SFT of one")).to_be_visible()
    notebook.screenshot("elsewhere_offer")
    offer.get_by_role("button", name="Watch it").click()
    expect(root.get_by_role("article", name="Run: SFT of <b>two</b>")).to_be_visible()
    expect(offer).to_have_count(0)
    notebook.check_no_errors()


def test_what_a_page_starts_is_in_the_agents_list(notebook: NotebookPage, lab: LabServer, agent: Agent) -> None:
    cell = """import hfft_widgets as hfft
report = hfft.validate("sample:messages", model="sample:model")
script = "import time\\nwhile True: time.sleep(0.1)"
hfft.TrainingMonitor(hfft.plan_training("sample:model", report).with_script(script))"""
    notebook.open(lab.write("page.ipynb", cell))
    notebook.run_all()
    root = notebook.page.locator(".hfft-root")
    before = {run["id"] for run in agent.call("hfft_runs")[1]["runs"]}
    root.get_by_role("button", name="Train on this machine").click()
    expect(root.get_by_role("button", name="Cancel the run")).to_be_visible()
    (new,) = [run for run in agent.call("hfft_runs")[1]["runs"] if run["id"] not in before]
    assert new["title"].startswith("SFT of tiny-llama")
    expect(root.locator(".elsewhere")).to_have_count(0)
    root.get_by_role("button", name="Cancel the run").click()
    expect(root.locator(".chip").first).to_have_text("Cancelled")
