"""The house keeps its shape: no circle, no room too full, no file or function too long, no name for two things."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter, defaultdict
from statistics import median

import pytest

from tests.source import PACKAGE, file_of, imports, modules

FILES_IN_A_FOLDER = 14
LINES_OF_A_FILE = 420  # about 400
LINES_OF_A_FUNCTION = 55
MEDIAN_OF_FUNCTIONS = 5
IN_MANY_FOLDERS = {"__init__", "base"}

# ---- circles -------------------------------------------------------------------------------------


def circles(edges: dict[str, frozenset[str]]) -> list[frozenset[str]]:
    """The strongly connected components of more than one node (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[frozenset[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in edges[node]:
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            members = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(members) > 1:
                found.append(frozenset(members))

    for node in edges:
        if node not in order:
            visit(node)
    return found


def test_a_circle_is_found():
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a", "e"}}
    assert circles({name: frozenset(others) for name, others in edges.items()}) == [frozenset("abc")]


@pytest.mark.parametrize("room", ["core", "cards", "widgets", "jobs", "lab"])
def test_no_circle_of_files(room):
    names = [name for name in modules() if name.startswith(f"hfft_widgets.{room}")]
    edges = {name: imports(name) & frozenset(names) for name in names}
    found = [sorted(name.removeprefix("hfft_widgets.") for name in circle) for circle in circles(edges)]
    assert found == []


def test_imports_are_seen_wherever_they_stand():
    assert "hfft_widgets.hub.viewer" in imports("hfft_widgets.api")  # in a function
    assert "hfft_widgets.core.data.report" in imports("hfft_widgets")  # for types
    assert "hfft_widgets.errors" in imports("hfft_widgets.core.data.report.result")  # at the top


# ---- sizes ---------------------------------------------------------------------------------------


def test_a_folder_has_at_most_14_files():
    """Beside `__init__.py`, which opens it."""
    files = [path for kind in ("py", "js", "css") for path in PACKAGE.rglob(f"*.{kind}") if path.stem != "__init__"]
    folders = Counter(path.parent for path in files)
    full = {str(path.relative_to(PACKAGE)): count for path, count in folders.items() if count > FILES_IN_A_FOLDER}
    assert full == {}


def test_a_file_has_about_400_lines_at_most():
    counts = {str(path.relative_to(PACKAGE)): path.read_text("utf-8").count("\n") for path in PACKAGE.rglob("*.py")}
    assert {name: n for name, n in counts.items() if n > LINES_OF_A_FILE} == {}


def functions() -> dict[str, int]:
    """Every function with its lines of code: without its docstring, comments and blank lines."""
    found = {}
    for name, tree in modules().items():
        code = _lines_of_code(file_of(name).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                said = node.body[0] if ast.get_docstring(node) else None
                text = set(range(said.lineno, said.end_lineno + 1)) if said else set()
                found[f"{name}:{node.lineno} {node.name}"] = len(
                    code & set(range(node.lineno, node.end_lineno + 1)) - text
                )
    return found


def _lines_of_code(source: str) -> set[int]:
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {line for one in tokens if one.type not in nothing for line in range(one.start[0], one.end[0] + 1)}


def test_functions_are_short():
    lines = functions()
    assert {name: count for name, count in lines.items() if count > LINES_OF_A_FUNCTION} == {}
    assert median(lines.values()) <= MEDIAN_OF_FUNCTIONS


def test_code_is_counted_without_what_is_said_about_it():
    source = 'def f():\n    """Two\n    lines."""\n    # why\n\n    return (1 +\n            2)\n'
    assert _lines_of_code(source) == {1, 2, 3, 6, 7}


# ---- names ---------------------------------------------------------------------------------------


def test_module_names_are_unique_within_a_room():
    """A room is a folder of a floor, with the folders in it: core/data, jobs/local."""
    names = Counter((path.relative_to(PACKAGE).parent.parts[:2], path.stem) for path in PACKAGE.rglob("*.py"))
    assert ["/".join((*room, name)) for (room, name), n in names.items() if n > 1 and name not in IN_MANY_FOLDERS] == []


def test_no_two_public_classes_of_one_name():
    found: dict[str, list[str]] = defaultdict(list)
    for name, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(name)
    twice = {name: homes for name, homes in found.items() if len(homes) > 1}
    assert twice == {}
