"""This machine: what a run would see of its cards, asked of a driver's tool that stands on the PATH."""

from __future__ import annotations

import sys

import pytest

from hfft_widgets.sources import machine

TWO = "Tesla T4, 15000\nTesla T4, 14000\n"


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Put a tool there that prints these lines."""

    def put(lines: str, *, code: int = 0) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!{sys.executable}\nimport sys\nprint({lines!r})\nsys.exit({code})\n", "utf-8")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        machine._this_machine.cache_clear()

    yield put
    machine._this_machine.cache_clear()


@pytest.mark.skipif(sys.platform == "win32", reason="the tool is a script with a #! line")
def test_all_cards_that_a_run_would_use_with_what_is_free_of_the_fullest(driver, monkeypatch):
    driver(TWO)
    found = machine.this_machine()
    assert (found.name, found.gpu, found.gpus, found.memory_bytes) == ("local", "Tesla T4", 2, 14000 * 2**20)
    for allowed, gpus in (("1", 1), ("0,1", 2), ("0,7", 1), ("", 0), ("-1", 0), ("GPU-1234", 2)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
        machine._this_machine.cache_clear()
        assert machine.this_machine().gpus == gpus


@pytest.mark.skipif(sys.platform == "win32", reason="the tool is a script with a #! line")
@pytest.mark.parametrize(("lines", "code"), [("No devices were found", 6), ("what, is, this", 0), ("", 0)])
def test_a_driver_without_cards_leaves_the_processor(driver, lines, code):
    driver(lines, code=code)
    assert machine.this_machine().gpu == ""


def test_a_card_that_was_never_measured_is_said(monkeypatch):
    monkeypatch.setattr(machine.sys, "platform", "darwin")
    monkeypatch.setattr(machine.platform, "machine", lambda: "arm64")
    assert "MPS" in machine._other_gpu()
