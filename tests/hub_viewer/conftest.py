from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from typing import Any

import pytest

from hfft_widgets.hub.viewer import Viewer
from tests.standin_hub import WRITE_TOKEN, StandInHub

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TALK = [{"messages": [{"role": "user", "content": f"What is {n}?"}], "n": n} for n in range(250)]
LONG = [{"text": "x" * 3000, "turns": [{"role": "user", "content": "y" * 3000}]} for _ in range(100)]

LARGE = [{"text": random.Random(n).randbytes(1000).hex()} for n in range(300)]  # more than comes with the footer


@pytest.fixture(scope="session")
def session_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInHub]:
    with StandInHub(tmp_path_factory.mktemp("stand-in")) as hub:
        hub.add_dataset("acme/talk", rows={"train": TALK, "test": TALK[:3]})
        hub.add_dataset("acme/long", rows=LONG)
        hub.add_dataset("acme/large", rows=LARGE)
        hub.add_dataset("acme/small", rows=TALK[:5])
        hub.add_dataset("other/shut", rows=TALK[:2], gated="manual")
        hub.add_dataset(
            "acme/two",
            files={
                "README.md": "---\nconfigs:\n- config_name: a\n  data_files: a.jsonl\n"
                "- config_name: b\n  data_files: b.jsonl\n---\n",
                "a.jsonl": '{"x": 1}\n',
                "b.jsonl": '{"x": 2}\n',
            },
        )
        yield hub


@pytest.fixture
def hub(session_hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """The stand-in, as the Hub of this process."""
    from huggingface_hub import constants

    for name, value in session_hub.settings(WRITE_TOKEN).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    session_hub.journal.clear()
    yield session_hub
    session_hub.clear_faults()


@pytest.fixture
def viewer(hub: StandInHub) -> Viewer:
    return Viewer(patience=2)


@pytest.fixture
def asked(hub: StandInHub) -> Any:
    """The paths asked for so far, without the viewer's own part."""
    return lambda: [entry.path.removeprefix("/datasets-server/") for entry in hub.journal]
