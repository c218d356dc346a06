"""The package's source as trees, for tests of its shape."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hfft_widgets"


@cache
def modules() -> dict[str, ast.Module]:
    """Dotted name -> tree, of every file of the package."""
    return {_name(path): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def file_of(name: str) -> Path:
    """The file of a module."""
    path = ROOT / Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def imports(name: str) -> frozenset[str]:
    """The modules of the package that a module names, wherever in it: at its top, in a function, for types only."""
    found: set[str] = set()
    package = name if file_of(name).name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(part for part in (base, node.module or "") if part)
            found |= {_deepest(f"{source}.{alias.name}") for alias in node.names}
    return frozenset(_deepest(one) for one in found if one.startswith("hfft_widgets")) - {name}


def _deepest(dotted: str) -> str:
    """The module in a dotted name, which may end with a class."""
    while dotted and dotted not in modules():
        dotted = dotted.rpartition(".")[0]
    return dotted
