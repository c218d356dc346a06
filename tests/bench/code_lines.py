"""How much code each room of the package holds: lines that are no blank, comment or docstring, and functions' lengths.

    python -m tests.bench.code_lines [folder of the package]

A function's lines are those of its own body and head, what is defined inside it included.
"""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "hfft_widgets"
_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source: str, tree: ast.Module) -> set[int]:
    """The numbers of the lines that hold code."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    held = {n for t in tokens if t.type not in _NO_CODE for n in range(t.start[0], t.end[0] + 1)}
    return held - {n for text in _docstrings(tree) for n in range(text.lineno, (text.end_lineno or 0) + 1)}


def _docstrings(tree: ast.Module) -> list[ast.Expr]:
    """Texts that stand alone as a statement: docstrings, also those of attributes."""
    alone = (node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    return [node for node in alone if isinstance(node.value.value, str)]


def measured(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """File -> lines of code, and function (file and name) -> lines of code."""
    files, functions = {}, {}
    for file in sorted(folder.rglob("*.py")):
        source = file.read_text("utf-8")
        tree = ast.parse(source)
        lines, name = code_lines(source, tree), str(file.relative_to(folder))
        files[name] = len(lines)
        for node in ast.walk(tree):
            if isinstance(node, _DEFINITIONS):
                within = range(node.lineno, (node.end_lineno or 0) + 1)
                functions[f"{name}:{node.lineno} {node.name}"] = len(lines.intersection(within))
    return files, functions


def main(package: Path = PACKAGE) -> None:
    """Print a row per room, the rooms inside core too, and one for the whole."""
    rooms = sorted(path for path in (*package.iterdir(), *(package / "core").iterdir()) if path.is_dir())
    print(f"{'room':<16}{'files':>6}{'code':>7}{'function: median':>18}{'longest':>9}")
    for room in [*(room for room in rooms if list(room.rglob("*.py"))), package]:
        files, functions = measured(room)
        lengths = functions.values() or [0]
        name, longest = str(room.relative_to(package.parent)), max(functions, key=functions.__getitem__, default="")
        print(f"{name.partition('/')[2] or 'all':<16}{len(files):>6}{sum(files.values()):>7}"
              f"{statistics.median(lengths):>18g}{max(lengths):>9}  {longest}")  # fmt: skip


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
