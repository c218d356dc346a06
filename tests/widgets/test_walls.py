"""Widgets are shells: of the core they know its results, and their parts know no panel."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hfft_widgets.widgets

FOLDER = Path(hfft_widgets.widgets.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))
# the element builder, words for units, results and what they hold, methods and settings, how curves are drawn
KNOWN = {
    *(
        "html",
        "units",
        "method",
        "plan.settings",
        "plan.settings.setting",
        "reward_trial",
        "dry_run",
        "run.curves.thinning",
        "run.curves.axes",
    ),
    *("data.report", "data.preview", "data.proof", "data.token_lengths"),
    *("data.mapping.column_mapping", "data.mapping.form", "data.mapping.transforms"),
    *(
        "estimate.estimate",
        "plan.plan",
        "plan.sweep",
        "export.plan",
        "run.curves",
        "run.events",
        "run.history",
        "run.stage",
    ),
}


def imported(file: Path) -> set[str]:
    """What a file imports of this package, for types too."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    return {node.module.removeprefix("hfft_widgets.") for node in nodes if node.module.startswith("hfft_widgets.")}


def known(file: Path) -> set[str]:
    """The same of the core alone."""
    return {name.removeprefix("core.") for name in imported(file) if name.startswith("core.")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_of_the_core_a_widget_knows_results(file: Path) -> None:
    assert known(file) <= KNOWN


@pytest.mark.parametrize("file", [file for file in FILES if file.parent != FOLDER and file.stem != "__init__"])
def test_a_part_knows_no_panel(file: Path) -> None:
    room = file.parent.name
    assert not {f"widgets.{room}", "widgets.studio"} & imported(file)


def test_every_module_of_the_core_that_is_known_is_needed() -> None:
    assert {
        name.removeprefix("core.") for file in FILES for name in imported(file) if name.startswith("core.")
    } == KNOWN
