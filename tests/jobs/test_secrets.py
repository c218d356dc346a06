"""What a run prints may hold the person's token: none of it reaches a log, an error, a card or a file."""

import json
import re

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.jobs import index
from hfft_widgets.jobs.run import Run
from tests.hub_client.conftest import holding
from tests.jobs.conftest import kill_watcher, lives, until
from tests.jobs.far import backend, far_submission
from tests.standin_hub import WRITE_TOKEN

HIDDEN = r"(\[hidden\]|\*{8,})"  # stars once the kept file was swept
TOKEN = "hf_" + "QwErTyUiOpAsDfGhJkLzXcVbNm1928374655"
OTHER = "s3cr3t/of+no-known~shape"

PRINTS = """
import base64, subprocess, sys
token, other = os.environ["HF_TOKEN"], os.environ.get("MY_API_KEY", "")
print(token, other)
print("git push https://ana:" + token + "@huggingface.co/a/b")
print(os.environ)
print(dict(os.environ), file=sys.stderr)
print("Authorization: Bearer", token)
print("Authorization: Basic", base64.b64encode(("ana:" + token).encode()).decode())
print(json.dumps({"headers": {"x": token}}))
sys.stdout.write(token[:17]); sys.stdout.flush(); time.sleep(0.05); sys.stdout.write(token[17:] + "\\n")
print(token[:20]); print(token[20:])
print("\\x1b[31m" + token[:15] + "\\x1b[0m" + token[15:])
print(" 10%|#    | 1/10 [key " + token + "]\\r 20%|##   | 2/10")
print(token[::-1], token.encode().hex())
sys.stdout.flush()
os.write(1, (token + other + "\\n").encode())
subprocess.run(["env"])
tell("progress", message="with " + token, step=1, total_steps=2)
tell("log", step=1, metrics={"loss": 1.0, token: 2.0})
tell("answers", rows=[{"prompt": token, "answer": other}])
"""


def shown(run):
    return run.log + str(run.error) + json.dumps(run.to_dict("card")) + run._repr_html_() + str(run) + repr(run)


def pieces(*secrets):
    return [piece for secret in secrets for piece in (secret[:12], secret[-12:], secret[10:22])]


def assert_clean(run, home, *secrets):
    text = shown(run)
    for piece in pieces(*secrets):
        assert piece not in text
    assert holding(home, tuple(pieces(*secrets))) == []
    assert re.search(HIDDEN, run.log)
    assert run.history["loss"][-1].value == 1.0


@pytest.fixture
def signed_in(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("MY_API_KEY", OTHER)


def test_of_a_run_here(signed_in, start, home):
    run = start(PRINTS + 'raise RuntimeError("could not push to https://ana:" + token + "@hf.co with " + other)')
    assert run.wait(60).stage is Stage.ERROR
    assert re.search(rf"could not push to https://{HIDDEN}@hf.co with {HIDDEN}", run.error)
    assert_clean(run, home, TOKEN, OTHER)
    assert_clean(index.attach(run.id), home, TOKEN, OTHER)


def test_of_a_run_whose_supervisor_was_killed_meanwhile(signed_in, start, home):
    run = start("time.sleep(1)\n" + PRINTS + "tell('end')")
    script = kill_watcher(run.id[6:])
    until(lambda: not lives(script))
    assert run.wait(60).stage is Stage.COMPLETED
    assert_clean(run, home, TOKEN, OTHER)


def test_of_a_job(hub, home):
    far = backend()
    run = Run(far, far.submit(far_submission(PRINTS + 'raise RuntimeError("no " + token)')))
    assert run.wait(60).stage is Stage.ERROR
    assert re.search(f"no {HIDDEN}", run.error)
    assert_clean(run, home, WRITE_TOKEN)
    far.close()
    again = Run(backend(), run.id.removeprefix("jobs:")).wait(30)
    assert_clean(again, home, WRITE_TOKEN)
