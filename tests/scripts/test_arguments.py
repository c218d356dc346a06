"""The command line stands above the script, and what it does not know it names."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hfft_widgets.scripts import arguments
from hfft_widgets.scripts.arguments import from_command_line


@dataclass
class Config:
    learning_rate: float = 1e-5
    max_steps: int = -1
    per_device_train_batch_size: int = 8
    packing: bool = False
    optim: str = "adamw"
    eval_rows: int | None = None


@dataclass
class Adapters:
    r: int = 8


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    monkeypatch.setattr(arguments, "GIVEN", {})
    monkeypatch.setattr(arguments, "KNOWN", {})


def made(monkeypatch, *given: str) -> Config:
    monkeypatch.setattr("sys.argv", ["script.py", *given])
    from_command_line(Adapters, r=16)
    return from_command_line(Config, learning_rate=2e-5, packing=True)


def test_what_is_given_stands_above_the_script(monkeypatch):
    assert made(monkeypatch) == Config(2e-5, packing=True)
    found = made(monkeypatch, "--learning_rate", "1e-4", "--max_steps=20", "--packing", "false", "--optim", "sgd")
    assert found == Config(1e-4, 20, packing=False, optim="sgd")
    assert made(monkeypatch, "--packing").packing is True
    assert made(monkeypatch, "--max_steps", "-1", "--r", "4").max_steps == -1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--learning_rat", "1"], "did you mean --learning_rate?"),
        (["--batch_size", "4"], "did you mean --per_device_train_batch_size?"),
        (["--lora_r", "4"], "did you mean --r?"),
        (["--qqq"], "there is no setting 'qqq'"),
        (["20"], "there is no setting '20'"),
        (["--learning_rate", "fast"], "must be a number"),
        (["--max_steps", "2.5"], "must be a whole number"),
        (["--packing", "maybe"], "either true or false"),
    ],
)
def test_what_is_wrong_is_said(monkeypatch, capsys, given, said):
    with pytest.raises(SystemExit):
        made(monkeypatch, *given)
    assert said in capsys.readouterr().err
