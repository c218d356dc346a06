"""What the package's texts, the pages and the notebooks name exists: what moved takes its mentions along."""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

import hfft_widgets as hfft
from tests.source import PACKAGE, ROOT, file_of, modules

DOTTED = re.compile(r"`([a-z_]\w*(?:\.\w+)+)(?:\(\))?`")
CALLED = re.compile(r"\b((?:hfft|hfft_widgets)(?:\.[A-Za-z_]\w*)+)")
PAGES = [ROOT / "README.md", *sorted((ROOT / "notebooks").glob("*.ipynb"))]
# files that a run or a model has, and names of formats
NO_MODULES = re.compile(r".*\.(json|jsonl|model|jinja|safetensors|gguf|parquet|txt|log)|script\.py|(row|self)\..*")
VALUES = {"report": hfft.ValidationReport, "plan": hfft.TrainingPlan, "run": hfft.Run, "export": hfft.ExportPlan}
_SHORT = {name.rpartition(".")[2] for name in modules()}


def mentions() -> Iterator[tuple[str, str]]:
    """Dotted names in backticks, in docstrings and comments, with where they stand."""
    for name in modules():
        source = file_of(name).read_text("utf-8")
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in {tokenize.COMMENT, tokenize.STRING}:
                for found in DOTTED.finditer(token.string):
                    yield f"{name}:{token.start[0]}", found[1]


def exists(dotted: str) -> bool:
    """Whether it is a module or file of the package, or a name in one, by its whole name or the end of it."""
    first, _, rest = dotted.partition(".")
    if NO_MODULES.fullmatch(dotted):
        return True
    if dotted.endswith(".py"):
        return any(path.match(dotted) for path in PACKAGE.rglob("*.py"))
    attribute = rest.partition(".")[0]
    if first == "hfft" or (first in VALUES and hasattr(VALUES[first], attribute)):
        return hasattr(VALUES.get(first, hfft), attribute)
    if first != "hfft_widgets" and first not in _SHORT:
        return importlib.util.find_spec(first) is not None  # a library's
    return any(_in(name, dotted) for name in modules())


def _in(name: str, dotted: str) -> bool:
    parts = dotted.split(".")
    for stop in range(len(parts), 0, -1):
        if f".{name}".endswith("." + ".".join(parts[:stop])):
            return stop == len(parts) or parts[stop] in _names(name)
    return False


def _names(name: str) -> set[str]:
    """What a module defines or imports at its top."""
    found: set[str] = set()
    for node in modules()[name].body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        else:
            found |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return found


def test_what_is_named_exists():
    assert [one for one in mentions() if not exists(one[1])] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_a_page_calls_exists(path):
    """Whether in a cell, in a command or in the text between."""
    named = set(CALLED.findall(path.read_text("utf-8")))
    assert [dotted for dotted in sorted(named) if not exists(dotted)] == []


@pytest.mark.parametrize(
    ("dotted", "there"),
    [
        ("hfft_widgets.core.html", True),
        ("core.html.el", True),
        ("html.el", True),
        ("html.le", False),
        ("core.html.le", False),
        ("hfft_widgets.scripts.progress", False),
        ("hfft.validate", True),
        ("hfft.validated", False),
        ("report.full", True),
        ("report.fool", False),
        ("html.py", True),
        ("htlm.py", False),
        ("datasets.Dataset", True),
        ("nowhere.Dataset", False),
        ("submission.json", True),
    ],
)
def test_it_is_known_what_exists(dotted, there):
    assert exists(dotted) is there
