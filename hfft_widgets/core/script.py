"""Putting a generated script together: header, recipe, runtime, plan.

The recipe is what a person reads; the runtime is a set of modules from `hfft_widgets.scripts`, inlined verbatim
(only their imports of each other fall away), so that the file runs by itself anywhere. Values get into a script as
Python literals alone, so no name or cell of a dataset can become code.
"""

from __future__ import annotations

import ast
import hashlib
import json
import pprint
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from hfft_widgets.scripts.held import HELD

_OWN_IMPORT = re.compile(r"^from hfft_widgets\.scripts\.[\w.]+ import (?:\([^)]*\)|.*)\n", re.MULTILINE)

_PACKAGES = {"rows": ("rows.steps", "rows.filters")}

RECIPE_END = "# ---- Runtime: how it reports, stops and resumes. It need not be read. "


def literal(value: object) -> str:
    r"""The value as a Python literal, ASCII only, so that what is read is what is meant.

    >>> print(literal('a"; import os  # \u202e'), literal({"split": "train"}))
    "a\"; import os  # \u202e" {"split": "train"}

    Raises:
        ValueError: The value is not made of strings, numbers, booleans, None, lists and dicts.
    """
    for text in (_json_literal(value), ascii(value)):
        if text is not None and _means(text, value):
            return text
    raise ValueError(f"{value!r} has no Python literal")


def _json_literal(value: object) -> str | None:
    """JSON's spelling, where Python reads it the same way: it quotes as people do."""
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return None


def _means(text: str, value: object) -> bool:
    try:
        read = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return bool(read == value) and type(read) is type(value)


def comment(text: object) -> str:
    r"""A text that may stand in a comment or docstring: one line, ASCII, no quote or backslash.

    >>> comment('x\n"y\\z')
    'x y z'
    """
    return re.sub(r"[^ -~]|[\"\\\\]", " ", str(text)).replace("  ", " ").strip()


def recipe_of(script: str) -> str:
    """The part of a script that a person reads; all of it where nothing says where that ends."""
    return script.partition(RECIPE_END)[0].rstrip()


@cache
def runtime(name: str) -> str:
    """The source of one module of `hfft_widgets.scripts`, without its imports of its neighbours: "gguf.merging"."""
    if name in _PACKAGES:
        return "\n\n\n".join(map(runtime, _PACKAGES[name]))
    if name == "held":  # it runs in processes of its own, which get it as text
        return f"HELD = r'''\n{HELD.strip()}\n'''"
    source = files("hfft_widgets.scripts").joinpath(*f"{name.replace('.', '/')}.py".split("/")).read_text("utf-8")
    return _OWN_IMPORT.sub("", source).strip()


@cache
def _parts(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Each name that a module of `hfft_widgets.scripts` defines -> its source, and the module's names used there."""
    source = runtime(name)
    parts = {}
    for node in ast.parse(source).body:
        for defined in _defined(node):
            parts[defined] = ast.get_source_segment(source, node) or "", _names(node)
    return parts


def calls(code: str, name: str) -> bool:
    """Whether the code uses what a module of `hfft_widgets.scripts` defines."""
    return not _names(ast.parse(code)).isdisjoint(_parts(name))


def as_json(code: str) -> str:
    """The expression, whose value a row shall hold as JSON text until `from_json` reads it."""
    return f"json.dumps({code})"


def from_json(column: str) -> str:
    """The line that reads a column of JSON texts as what they write.

    A table would fill the records of all rows up to the same keys; this type keeps each as it is.
    """
    return f"dataset = dataset.cast_column({literal(column)}, Json())"


def reads_json(code: str) -> bool:
    """Whether the code uses that type."""
    return "Json" in _names(ast.parse(code))


def with_functions(code: str, name: str) -> str:
    """The code with what it uses of a module of `hfft_widgets.scripts` before it, so that it runs by itself.

    >>> print(with_functions("joined('a', 'b')", "rows"))
    def joined(*texts):
        ...
    <BLANKLINE>
    <BLANKLINE>
    joined('a', 'b')
    """
    imported = "from datasets import Json" if reads_json(code) else ""
    return "\n\n\n".join(filter(None, [imported, parts_of(code, name), code]))


def parts_of(code: str, name: str) -> str:
    """What the code uses of a module of `hfft_widgets.scripts`, and what that uses; "" for nothing."""
    parts = _parts(name)
    needed: set[str] = set()
    found = {*_names(ast.parse(code))} & parts.keys()
    while found - needed:
        needed |= found
        found = {used for each in found for used in parts[each][1] & parts.keys()}
    sources = list(dict.fromkeys(parts[each][0] for each in parts if each in needed))
    imported = [source for source in sources if source.startswith(("import ", "from "))]
    defined = [source for source in sources if source not in imported]
    return "\n\n\n".join(filter(None, ["\n".join(imported), *defined]))


def _defined(node: ast.stmt) -> list[str]:
    """The names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _names(tree: ast.AST) -> frozenset[str]:
    """The names that are read in it and not given there."""
    read: set[str] = set()
    given: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else given).add(node.id)
        elif isinstance(node, ast.arg):
            given.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            given.add(node.name)
    return frozenset(read - given)


def assemble(
    *, dependencies: Iterable[str], recipe: str, modules: Iterable[str], plan: Mapping[str, Any], sources: str = ""
) -> str:
    """The complete script. It ends in `run(main)`, which one of the modules defines.

    Args:
        dependencies: Pinned requirements for the PEP 723 header.
        recipe: Docstring, imports, settings and `def main()`.
        modules: Names of modules of `hfft_widgets.scripts`, in the order in which they need each other.
        plan: JSON values; `read_plan` gets them back.
        sources: More lines of the PEP 723 header, each starting with `# `.
    """
    rule = RECIPE_END + "-" * max(0, 110 - len(RECIPE_END))
    parts = [f"# ---- {name} ".ljust(60, "-") + "\n" + runtime(name) for name in modules]
    kept = "# The plan this script was made from.\nPLAN = " + _dictionary(plan)
    start = 'if __name__ == "__main__":\n    run(main)'
    return "\n\n\n".join([_header(dependencies, sources) + "\n" + recipe.strip(), rule, *parts, kept, start]) + "\n"


def assemble_short(*, dependencies: Iterable[str], recipe: str, parts: Iterable[str]) -> str:
    """A script of a recipe and the functions that it calls."""
    rule = "# ---- What it calls ".ljust(110, "-")
    start = 'if __name__ == "__main__":\n    main()'
    return "\n\n\n".join([_header(dependencies) + "\n" + recipe.strip(), rule, *filter(None, parts), start]) + "\n"


def _header(dependencies: Iterable[str], sources: str = "") -> str:
    """The PEP 723 header."""
    lines = ["# /// script", '# requires-python = ">=3.11"', "# dependencies = ["]
    lines += [f'#   "{requirement}",' for requirement in dependencies]
    return "\n".join([*lines, "# ]", *([sources.rstrip()] if sources else []), "# ///"])


def _dictionary(plan: Mapping[str, Any]) -> str:
    plain = json.loads(json.dumps(plan))
    text = pprint.pformat(plain, width=100, sort_dicts=False)
    if not text.isascii() or ast.literal_eval(text) != plain:
        text = literal(plain)
    return text


def read_plan(script: str) -> dict[str, Any] | None:
    """The plan inside a script, or None if it holds none. The script is parsed, never run."""
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "PLAN" for t in node.targets):
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError, MemoryError, RecursionError):  # a script of anybody's
                return None
            return value if isinstance(value, dict) else None
    return None


def fingerprint(*parts: object) -> str:
    """A short stable name for a content: 16 hex digits of SHA-256 over the parts' JSON.

    >>> fingerprint("a", 1) == fingerprint("a", 1) != fingerprint("a", 2)
    True
    """
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
