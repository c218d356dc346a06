from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfft_widgets.hub import account, hardware
from hfft_widgets.hub import token as tokens
from tests.standin_hub import WRITE_TOKEN, StandInHub


def use_hub(hub: StandInHub, monkeypatch: pytest.MonkeyPatch, token: str | None = WRITE_TOKEN) -> StandInHub:
    """Point this process to a stand-in Hub; the client froze the offline mode of all other tests at its import."""
    from huggingface_hub import constants

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in hub.settings(token).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(hub.root / "no_saved_login"))
    account.forget_accounts()
    tokens.forget_token()
    hardware._kept = None
    return hub


def holding(folder: Path, secrets: tuple[str, ...]) -> list[Path]:
    """Files below a folder that hold one of these texts."""
    found = []
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            if any(secret.encode() in content for secret in secrets):
                found.append(path)
    return found


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[StandInHub]:
    """A Hub of this test's own, which this process is signed in to; nothing of the package's files holds the token."""
    with StandInHub(tmp_path) as running:
        running.jobs.schedule_seconds = 0.02
        running.jobs.grace_seconds = 2.0
        yield use_hub(running, monkeypatch)
        account.forget_accounts()
        assert not running.errors, running.errors
    assert holding(home, (WRITE_TOKEN,)) == []
