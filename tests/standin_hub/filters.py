"""The part of the dataset viewer's SQL that is needed here: comparisons joined by AND."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from .state import HubError

_CLAUSE = re.compile(
    r"""\s*"?(?P<name>[\w ]+?)"?\s*(?P<sign>=|!=|<>|<=|>=|<|>)\s*(?P<value>'(?:[^']|'')*'|[-\w.]+)\s*"""
)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a is not None and a < b,
    ">": lambda a, b: a is not None and a > b,
    "<=": lambda a, b: a is not None and a <= b,
    ">=": lambda a, b: a is not None and a >= b,
}


def condition(where: str, names: Sequence[str]) -> Callable[[dict[str, Any]], bool]:
    """Whether a row is wanted.

    Raises:
        HubError: 422, the text is none of these, or names no column; also later, where a value cannot be compared.
    """
    clauses = [_CLAUSE.fullmatch(part) for part in re.split(r"\s+AND\s+", where, flags=re.IGNORECASE)]
    if not all(clause and clause["name"] in names for clause in clauses):
        raise _invalid()
    tests = [(clause["name"], _SIGNS[clause["sign"]], _literal(clause["value"])) for clause in clauses if clause]

    def wanted(row: dict[str, Any]) -> bool:
        try:
            return all(compare(row[name], value) for name, compare, value in tests)
        except TypeError as error:
            raise _invalid() from error

    return wanted


def _invalid() -> HubError:
    return HubError(422, "Parameter 'where' is invalid", "InvalidParameter")


def _literal(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        raise _invalid() from None
