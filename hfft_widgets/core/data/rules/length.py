"""What TRL's default limit in tokens does to long rows: a facet is given `Tokens`, of one row or of many as arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

from hfft_widgets.core.data.findings import MAX_LENGTH
from hfft_widgets.core.data.match_columns import ColumnRole
from hfft_widgets.core.data.rules.base import DROPPED, SILENT, WARN, Rule, Scope, Uses
from hfft_widgets.core.method import Method

_LIMIT = f"{MAX_LENGTH:,}"
_LOST = f"The question alone fills the {_LIMIT} tokens of TRL's default limit"


class Tokens(NamedTuple):
    """Tokens of rows: numbers, or arrays of shape (rows,).

    Attributes:
        total: Of the longest text.
        context: Before the answer.
        alike: That both answers and what stands before them begin with; 0 where there is one answer.
    """

    total: Any
    context: Any
    alike: Any = 0


def _is_long(row: Tokens) -> Any:
    return row.total > MAX_LENGTH


def _is_lost(row: Tokens) -> Any:
    return _is_long(row) & (row.context >= MAX_LENGTH)


def _is_cut(row: Tokens) -> Any:
    return _is_long(row) & (row.context < MAX_LENGTH) & (row.alike < MAX_LENGTH)


def _is_same(row: Tokens) -> Any:
    return _is_long(row) & (row.context < MAX_LENGTH) & (row.alike >= MAX_LENGTH)


def _cuts(method: Method, uses: Uses) -> bool:  # noqa: ARG001 - what every rule may ask
    return method.cuts_rows


def _learns_questions(method: Method, uses: Uses) -> bool:
    """Whether every token is learned, so that of a cut row the question stays."""
    return method.cuts_rows and ColumnRole.CONVERSATION in uses


def _learns_answers(method: Method, uses: Uses) -> bool:
    return method.cuts_rows and ColumnRole.CONVERSATION not in uses


def _flagged(flag: Any) -> Any:
    return flag


LENGTH_RULES = (
    Rule("too_long", Scope.LENGTH, _is_long, _flagged, f"Longer than {_LIMIT} tokens", effect=DROPPED,
         fix="leave_out", fits=lambda method, _: method.drops_long_rows,
         examples=((Tokens(1025, 5), Tokens(1024, 5)),)),
    Rule("answer_lost", Scope.LENGTH, _is_lost, _flagged, _LOST, effect=DROPPED, fix="leave_out",
         fits=_learns_answers, examples=((Tokens(1030, 1024), Tokens(1030, 1023)),)),
    Rule("answer_lost", Scope.LENGTH, _is_lost, _flagged, _LOST, effect=SILENT, fix="leave_out",
         fits=_learns_questions, examples=((Tokens(1030, 1024), Tokens(1024, 1024)),)),
    Rule("same_when_cut", Scope.LENGTH, _is_same, _flagged,
         f"Cut at {_LIMIT} tokens, TRL's default limit, both answers are the same", fix="leave_out", fits=_cuts,
         examples=((Tokens(1030, 5, 1024), Tokens(1030, 5, 1023)),)),
    Rule("truncated", Scope.LENGTH, _is_cut, _flagged,
         f"Longer than the {_LIMIT} tokens of TRL's default limit: the end is cut off", effect=WARN, fits=_cuts,
         examples=((Tokens(1030, 5, 5), Tokens(1030, 5, 1024)),)),
)  # fmt: skip
