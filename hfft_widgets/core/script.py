"""Putting a generated script together: header, lesson, machinery, plan.

The lesson is what a person reads; the machinery is a set of modules from `hfft_widgets.scripts`, inlined verbatim
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

_OWN_IMPORT = re.compile(r"^from hfft_widgets\.scripts\.\w+ import (?:\([^)]*\)|.*)\n", re.MULTILINE)

LESSON_END = "# ---- Machinery: how it reports, stops and resumes. It need not be read. "


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


@cache
def machinery(name: str) -> str:
    """The source of one module of `hfft_widgets.scripts`, without its imports of its neighbours."""
    source = (files("hfft_widgets.scripts") / f"{name}.py").read_text("utf-8")
    return _OWN_IMPORT.sub("", source).strip()


def assemble(
    *, dependencies: Iterable[str], lesson: str, modules: Iterable[str], plan: Mapping[str, Any], sources: str = ""
) -> str:
    """The complete script. It ends in `run(main)`, which one of the modules defines.

    Args:
        dependencies: Pinned requirements for the PEP 723 header.
        lesson: Docstring, imports, settings and `def main()`.
        modules: Names of modules of `hfft_widgets.scripts`, in the order in which they need each other.
        plan: JSON values; `read_plan` gets them back.
        sources: More lines of the PEP 723 header, each starting with `# `.
    """
    header = ["# /// script", '# requires-python = ">=3.11"', "# dependencies = ["]
    header += [f'#   "{requirement}",' for requirement in dependencies]
    header += ["# ]", *([sources.rstrip()] if sources else []), "# ///"]
    rule = LESSON_END + "-" * max(0, 110 - len(LESSON_END))
    parts = [f"# ---- {name} ".ljust(60, "-") + "\n" + machinery(name) for name in modules]
    kept = "# The plan this script was made from.\nPLAN = " + _dictionary(plan)
    start = 'if __name__ == "__main__":\n    run(main)'
    return "\n\n\n".join(["\n".join(header) + "\n" + lesson.strip(), rule, *parts, kept, start]) + "\n"


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
