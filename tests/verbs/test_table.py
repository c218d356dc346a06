"""The table of verbs and their doors, held against what the doors offer."""

from __future__ import annotations

from importlib import import_module

import pytest

from hfft_widgets import cli, verbs
from hfft_widgets.agent.schemas import RESULTS
from hfft_widgets.verbs.table import AWAITED, BY_DOOR, VERBS

# verb: (MCP tool, commands, Jupyter AI, sentence); where a sentence is "filled in", a person presses
TABLE = {
    "validate": ("validate", {"validate"}, "yes", "yes"),
    "rules": ("", {"rules"}, "", ""),
    "preview": ("preview", {"preview"}, "yes", ""),
    "upload": ("", {"upload"}, "", ""),
    "plan": ("plan", {"plan"}, "yes", "yes"),
    "script": ("script", {"script"}, "yes", ""),
    "prove": ("prove", {"prove"}, "yes", ""),
    "launch": ("launch", {"launch"}, "local only", "filled in"),
    "runs": ("runs", {"runs"}, "yes", ""),
    "run": ("run", {"run"}, "yes", ""),
    "wait": ("wait", {"watch"}, "yes", ""),
    "control": ("control", {"cancel", "finish", "rename", "resume", "start-now"}, "yes", ""),
    "export": ("export", {"export"}, "yes", "yes"),
    "diagnose": ("diagnose", {"diagnose"}, "yes", ""),
    "ledger": ("", {"ledger"}, "", ""),
    "doctor": ("", {"doctor"}, "", ""),
}


def test_every_verb_of_the_table_has_its_doors():
    made = {one.name: one for one in VERBS}
    assert set(made) == set(TABLE)
    for name, one in made.items():
        tool, commands, jupyter, sentence = TABLE[name]
        assert (one.tool, set(one.commands), one.jupyter, one.sentence) == (tool, commands, jupyter, sentence)


def test_there_are_at_most_twelve_tools():
    assert len({tool for tool, *_ in TABLE.values() if tool}) == 12
    assert {one.tool for one in VERBS if one.tool} == set(RESULTS)


@pytest.mark.parametrize("name", AWAITED)
def test_a_verb_that_comes_into_being_needs_its_doors(name):
    """It fails on the day the verb exists: give it its doors, and take it out of AWAITED."""
    home, doors = AWAITED[name]
    module, _, path = home.partition(":")
    found = import_module(module)
    for part in path.split(".")[:-1]:
        found = getattr(found, part)
    assert not hasattr(found, path.rpartition(".")[2]), f"{name} exists: it needs {doors}"


def test_every_public_verb_stands_in_the_table():
    assert {name for name in verbs.__all__ if name != "Reply"} == {one.name for one in VERBS}


@pytest.mark.parametrize("one", VERBS, ids=lambda one: one.name)
def test_every_parameter_is_explained_and_plain(one):
    assert one.says.endswith(".")
    for parameter in one.parameters:
        assert parameter.says, parameter.name
        assert parameter.kind in {str, int, float, bool, dict} or parameter.choices or "dict" in str(parameter.kind)
        assert parameter.name not in BY_DOOR


def test_every_command_is_offered(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    for command in [*(command for one in VERBS for command in one.commands), "skill"]:
        assert command in shown
        with pytest.raises(SystemExit) as ended:
            cli.main([command, "--help"])
        assert ended.value.code == 0
