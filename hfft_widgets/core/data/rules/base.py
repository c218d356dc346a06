"""What a rule is: one thing that can be wrong with a dataset, with all that is known of it in one value.

Rows are grouped: one row is looked at for all of its group. So that no rule reads what the group forgot, a rule's
`applies` gets only its `facet`, and a facet sees only what grouping keeps apart: the outline of a cell
(`emulators.outline`), how two cells relate, or a single text, of which grouping keeps the facets of all rules of texts.

To add one: a `Rule` in a file of this folder, with its examples.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from hfft_widgets.core.data.match_columns import ColumnRole, ColumnUse
from hfft_widgets.core.data.rules.pages import PAGES, RulePage
from hfft_widgets.core.method import Method

CRASH, DROPPED, SILENT, WARN = "crash", "dropped", "silent", "warn"

ANSWERS = frozenset({ColumnRole.COMPLETION, ColumnRole.CHOSEN, ColumnRole.REJECTED})
SPOKEN = ANSWERS | {ColumnRole.CONVERSATION}  # where the last turn is the one to learn
WORDS = SPOKEN | {ColumnRole.PROMPT, ColumnRole.TEXT}
Uses = Mapping[ColumnRole, ColumnUse]


class Scope(Enum):
    """What a rule's facet is given."""

    TEXT = auto()  # a text: a cell, or the words of a turn (which turns: `turns`)
    VALUE = auto()  # the outline of a cell that holds no conversation
    MESSAGES = auto()  # the outline of a conversation
    PAIR = auto()  # how the cells of two columns relate: a `Pair`
    ROW = auto()  # a function from a column to the outline of the row's cell; tools are read from their JSON text
    LENGTH = auto()  # the tokens of rows, as their lengths were counted
    DATASET = auto()  # what a look at all rows tells of one
    TRAINER = auto()  # what the trainer itself, or what feeds it, says of a row


class Turns(Enum):
    """Which of a conversation's turns a rule of texts looks at."""

    ALL = auto()
    EARLIER = auto()
    ANSWER = auto()  # the last one, where the assistant says it and calls no tool


def _any_method(method: Method, uses: Uses) -> bool:  # noqa: ARG001 - what every rule may ask
    return True


@dataclass(frozen=True, eq=False)
class Rule:
    """One thing that can be wrong.

    Attributes:
        id: Its name, in reports, cards and fixes.
        scope: What its facet is given.
        facet: All that decides, as something small: the only thing `applies` sees.
        applies: Whether a cell with this facet has it; with `asks_template` it gets the chat template as well, so that
            a report for another model reads no row again.
        message: In words; {column} stands for the column.
        roles: Columns of these roles are looked at; of a pair the first one's and the second one's, in this order.
        effect: What it does where the trainer takes the row: "silent" (it trains, not on what was meant) or "warn"
            (worth knowing). Whether it ends the training, the trainer's emulator decides.
        fix: The rule of its fix, or None.
        ends: Whether a cell with it is not looked at further.
        explains: How well it explains a refusal: 2 by itself, 1 through the chat template, 0 not at all.
        unsure: Said behind the message while no chat template is known.
        asks_template: Whether the chat template decides with the facet.
        turns: Which turns a rule of texts looks at.
        needles: Texts without any of these have the facet of a plain text. None, and no `longest`: all are read.
        longest: Texts of more bytes than this have the facet of a plain text.
        fits: Whether the rule is meant for a method that reads these columns.
        empty: Whether nothing is learned of a row that has it.
        examples: Pairs of (what has it, what has not).
    """

    id: str
    scope: Scope
    facet: Callable[[Any], Hashable]
    applies: Callable[..., bool]
    message: str
    roles: frozenset[ColumnRole] | tuple[frozenset[ColumnRole], frozenset[ColumnRole]] = WORDS
    effect: str = SILENT
    fix: str | None = None
    ends: bool = False
    explains: int = 0
    unsure: str = ""
    asks_template: bool = False
    turns: Turns = Turns.ALL
    needles: tuple[bytes, ...] = ()
    longest: int = 0
    fits: Callable[[Method, Uses], bool] = _any_method
    empty: bool = False
    examples: tuple[tuple[Any, Any], ...] = ()

    @property
    def of_row(self) -> bool:
        """Whether it is asked of whole rows only, those whose cells can be read."""
        return self.scope in {Scope.PAIR, Scope.ROW} or self.asks_template

    @property
    def page(self) -> RulePage:
        """What the rule book says of it."""
        return PAGES[self.id]


@dataclass(frozen=True)
class Problem:
    """A rule's hit in one row.

    Attributes:
        rule: The rule's name.
        message: What the finding says.
        columns: The columns concerned.
        effect: What it does to this method's training.
        cell: What to show as an example.
        fix: The rule of a fix for these columns, or None.
        explains: How well it explains that a trainer refuses or drops the row.
    """

    rule: str
    message: str
    columns: tuple[str, ...]
    effect: str
    cell: Any = None
    fix: str | None = None
    explains: int = 0


def problem_of(rule: Rule, columns: tuple[str, ...], cell: Any, *, named: str = "", effect: str = "") -> Problem:
    """The rule's hit in these columns; `named` is the one its message speaks of."""
    message = rule.message.format(column=f"'{named or columns[0]}'")
    return Problem(rule.id, message, columns, effect or rule.effect, cell, rule.fix, rule.explains)
