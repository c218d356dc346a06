"""The documentation of this machine's own Python standard library, read without importing it.

Importing a module can open a browser (`antigravity`), print (`this`) or start a thread, so sources are parsed with
`ast`. Only types and functions written in C, which have no Python source, are looked at alive.
"""

from __future__ import annotations

import ast
import math
import re
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hfft_widgets.errors import DataError

# Well-known modules that are in every Python since 3.11, with enough documented parts to be told apart by.
MODULES = (
    "asyncio", "builtins", "calendar", "collections", "configparser", "datetime", "decimal", "difflib", "email", "enum",
    "http", "importlib", "inspect", "io", "ipaddress", "json", "logging", "mailbox", "math", "multiprocessing",
    "pathlib", "random", "shutil", "ssl", "statistics", "subprocess", "tarfile", "threading", "typing", "unittest",
    "urllib", "xml", "zipfile",
)  # fmt: skip

# These modules are compiled; the library holds the same documentation in a Python twin.
_TWINS = {"datetime": "_pydatetime", "decimal": "_pydecimal", "io": "_pyio"}
_BUILTIN_TYPES = (str, bytes, bytearray, int, float, complex, list, tuple, dict, set, frozenset, memoryview, slice)

_SUMMARY_CHARACTERS = range(20, 241)  # shorter says nothing, longer makes a row the tiny model cannot hold
_SIGNATURE_CHARACTERS = 100

_CALL = re.compile(r"[\w.]+\(.*\)(?: ?-> .*)?$|$")

# What must never be in a row: it would be private, differ between machines, or send someone somewhere.
_FORBIDDEN = re.compile(
    r"""  ://                | \bwww\.               # an internet address
        | \w@\w                                      # an e-mail address
        | (?<![\w.])[~.]{0,2}/[A-Za-z_.]             # a POSIX path
        | \b[A-Za-z]:[\\/]   | \\\\\w                # a Windows path
        | 0[xX][0-9A-Fa-f]{5}                        # an address in memory
        | [^\x20-\x7e]                               # what is not plain text
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """One documented function, method or class.

    Attributes:
        module: The top-level module it belongs to, e.g. "json".
        name: Its name within the module's files, e.g. "JSONEncoder.encode".
        signature: How it is called, without annotations and `self`, e.g. "JSONEncoder.encode(o)".
        summary: The first paragraph of its docstring, in one line.
    """

    module: str
    name: str
    signature: str
    summary: str


def symbols(modules: Iterable[str] = MODULES) -> list[Symbol]:
    """Every public documented symbol of these modules, once per summary, in an order of its own.

    Two symbols with the same summary would put the same text into training and held-out rows, so the first (by
    module, then name) is kept.

    Args:
        modules: Names of top-level modules; one that this Python does not have is left out.

    Raises:
        DataError: The library's sources are not on this machine.
    """
    root = Path(sysconfig.get_path("stdlib"))
    found: dict[str, Symbol] = {}
    for module in sorted(set(modules)):
        for symbol in sorted({*_parsed(root, module), *_alive(module)}):
            if _fits(symbol):
                found.setdefault(symbol.summary, symbol)
    if not found:
        raise DataError(
            "The sources of Python's standard library were not found.",
            why="The samples are made from their documentation; some slim Pythons leave them out.",
            remedy="Use a full Python installation, or a dataset of your own.",
        )
    return list(found.values())


def parse(source: bytes | str, module: str) -> Iterator[Symbol]:
    """The public documented symbols of one source file.

    >>> [symbol.signature for symbol in parse('def dumps(obj, *, indent: int = 2): "Serialize obj."', "json")]
    ['dumps(obj, *, indent=2)']
    """
    return _documented(ast.parse(source).body, module, prefix="")


def _parsed(root: Path, module: str) -> Iterator[Symbol]:
    for file in _files(root, module):
        yield from parse(file.read_bytes(), module)


def _files(root: Path, module: str) -> list[Path]:
    names = [module, _TWINS[module]] if module in _TWINS else [module]
    plain = [root / f"{name}.py" for name in names]
    packaged = [file for name in names for file in (root / name).rglob("*.py")]
    names_in_root = {file.relative_to(root): file for file in [*plain, *packaged] if file.is_file()}
    return [names_in_root[inner] for inner in sorted(names_in_root) if not {"test", "tests"} & set(inner.parts)]


def _documented(body: list[ast.stmt], module: str, prefix: str) -> Iterator[Symbol]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        name = prefix + node.name
        docstring = ast.get_docstring(node)
        if docstring:
            yield Symbol(module, name, _signature(node, name), _summary(docstring))
        if isinstance(node, ast.ClassDef):
            yield from _documented(node.body, module, prefix=f"{name}.")


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, name: str) -> str:
    if isinstance(node, ast.ClassDef):
        return f"class {name}"
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    for argument in every:
        if argument:
            argument.annotation = None
    return _call(name, ast.unparse(arguments))


def _call(name: str, arguments: str) -> str:
    inside = re.sub(r"^(?:self|cls|\$\w+)\b(?:, /)?(?:, )?", "", arguments)
    whole = f"{name}({inside})"
    return whole if len(whole) <= _SIGNATURE_CHARACTERS else f"{name}(...)"


def _alive(module: str) -> Iterator[Symbol]:
    """What is written in C. Types of `builtins` alone: a notebook adds and replaces functions there."""
    if module == "math":
        yield from _inspected("math", "", math)
    if module == "builtins":
        for kind in _BUILTIN_TYPES:
            yield from _inspected("builtins", f"{kind.__name__}.", kind)


def _inspected(module: str, prefix: str, owner: object) -> Iterator[Symbol]:
    for attribute, value in sorted(vars(owner).items()):
        docstring = getattr(value, "__doc__", None)
        if attribute.startswith("_") or not callable(value) or not docstring:
            continue
        arguments = (getattr(value, "__text_signature__", None) or "(...)")[1:-1]
        yield Symbol(module, prefix + attribute, _call(prefix + attribute, arguments), _summary(docstring))


def _summary(docstring: str) -> str:
    """The first paragraph that is more than the call itself, which many older docstrings begin with."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", docstring)]
    return next((paragraph for paragraph in paragraphs if not _CALL.match(paragraph)), "")


def _fits(symbol: Symbol) -> bool:
    return len(symbol.summary) in _SUMMARY_CHARACTERS and not _FORBIDDEN.search(f"{symbol.signature} {symbol.summary}")
