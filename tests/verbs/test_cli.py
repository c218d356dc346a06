"""`hfft` at a shell's prompt."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
import termios

import pytest

from hfft_widgets import cli, verbs
from tests.verbs.conftest import finished, kept, kept_for_till


def hfft(capsys, *words: str) -> tuple[int, str, str]:
    code = cli.main(words)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_a_dataset_is_checked_in_ci(capsys, tmp_path):
    ready, odd = tmp_path / "ready.jsonl", tmp_path / "odd.jsonl"
    ready.write_text("\n".join(json.dumps({"prompt": f"why {n}?", "completion": f"so {n}"}) for n in range(3)))
    odd.write_text("\n".join(json.dumps({"number": n}) for n in range(3)))
    code, out, _ = hfft(capsys, "validate", str(ready))
    assert (code, out.partition("\n")[0]) == (0, "Recommended: SFT: READY.")
    assert hfft(capsys, "validate", str(odd))[0] == 1
    assert hfft(capsys, "validate", str(ready), "--method", "DPO")[0] == 1
    code, out, err = hfft(capsys, "validate", str(tmp_path / "none.jsonl"))
    assert (code, out) == (2, "")
    assert "Remedy:" in err


def test_values_for_programs(capsys, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "a"}) + "\n" + json.dumps({"text": "b"}))
    _, out, _ = hfft(capsys, "validate", str(path), "--json")
    assert json.loads(out)["status"] == "READY"
    code, _, err = hfft(capsys, "run", "local:nothing", "--json")
    assert code == 2
    assert set(json.loads(err)) == {"error", "what", "why", "remedy"}


def test_settings_are_given_by_name(capsys, sample_folders):
    words = ("plan", "sample:model", "sample:messages", "--set", "max_steps=3", "--set", "learning_rate=1e-4")
    code, out, _ = hfft(capsys, *words, "--json")
    assert code == 0
    assert json.loads(out)["settings"]["learning_rate"] == 1e-4
    assert json.loads(out)["settings"]["max_steps"] == 3
    with pytest.raises(SystemExit):
        cli.main(["plan", "a", "b", "--set", "nonsense"])


def test_a_run_is_started_watched_and_cancelled(capsys, home):
    code, out, _ = hfft(capsys, "launch", kept("a" * 16), "--json")
    run = json.loads(out)["run"]
    assert code == 0
    assert hfft(capsys, "watch", run)[0] == 0
    assert hfft(capsys, "watch", finished("b" * 16, body="sys.exit(3)"))[0] == 1
    run = verbs.launch(kept("c" * 16, body="time.sleep(600)")).values["run"]
    code, out, _ = hfft(capsys, "cancel", run, "--json")
    assert (code, json.loads(out)["stage"]) == (0, "CANCELED")
    assert run in hfft(capsys, "runs")[1]


def test_what_costs_is_refused_where_nobody_can_be_asked(capsys, till, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    fingerprint = kept_for_till(till, 0.4, "a" * 16)
    code, out, err = hfft(capsys, "launch", fingerprint, "--ceiling-usd", "0.40")
    assert (code, out) == (2, "")
    assert "HFFT_MAX_USD" in err
    assert hfft(capsys, "launch", fingerprint, "--ceiling-usd", "0.30")[0] == 2
    assert till.bills == {}
    assert len(verbs.ledger().values["entries"]) == 2
    monkeypatch.setenv("HFFT_MAX_USD", "1")
    assert hfft(capsys, "launch", fingerprint, "--ceiling-usd", "0.40")[0] == 0
    assert len(till.bills) == 1
    assert "$0.40 at most" in hfft(capsys, "ledger")[1]


@pytest.mark.parametrize(("typed", "jobs"), [("y\n", 1), ("n\n", 0), ("\n", 0), ("maybe\n", 0)])
def test_at_a_terminal_the_person_is_asked_for_exactly_this(capsys, till, monkeypatch, typed, jobs):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    err = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stderr", err)
    code = cli.main(["launch", kept_for_till(till, 0.4, "a" * 16), "--ceiling-usd", "0.4", "--json"])
    assert "can cost up to $0.40?" in err.getvalue()
    assert len(till.bills) == jobs
    values = json.loads(capsys.readouterr().out)
    assert (code, values["started"]) == (0, bool(jobs))


@pytest.mark.ci
def test_progress_is_shown_on_a_terminal(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": f"why {n}?", "completion": f"so {n}"}) for n in range(20_000)))
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = [sys.executable, "-m", "hfft_widgets.cli", "validate", str(path)]
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs)
    done.communicate(timeout=120)
    shown = os.read(ours, 65536) if select.select([ours], [], [], 0)[0] else b""
    os.close(theirs)
    assert done.returncode == 0
    assert b" rows/s" in shown


def test_the_skill_is_shown_and_placed(capsys, tmp_path):
    pytest.importorskip("hfft_widgets.agent.skill")
    assert "name:" in hfft(capsys, "skill", "show")[1]
    code, out, _ = hfft(capsys, "skill", "add", str(tmp_path), "--json")
    assert code == 0
    assert os.path.exists(json.loads(out)["path"])  # noqa: PTH110
