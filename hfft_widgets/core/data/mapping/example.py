"""A mapping by example: a person points at texts of one row, and where they lie is derived from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hfft_widgets.core.data.columns import ROLE_KEYS, Column, Row, Schema, Shape
from hfft_widgets.core.data.mapping.available import (
    CHATS,
    Available,
    Targets,
    as_turns,
    before_turns,
    turns_of,
    value_or_none,
)
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.places import widened
from hfft_widgets.core.data.mapping.steps import Path, place_words
from hfft_widgets.core.data.mapping.suggest import in_the_way
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.match import Model, fitted_after
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import DataError
from hfft_widgets.scripts.rows import parsed, written

_DEEP = 6
_SPEAKER_PATHS = {(key,) for key in ROLE_KEYS}


@dataclass(frozen=True)
class Pointed:
    """A text that a person may point at.

    Attributes:
        column: The dataset's column.
        path: The way to it inside a cell.
        text: The text.
    """

    column: str
    path: Path
    text: str

    @property
    def words(self) -> str:
        """Where it lies, for people."""
        return place_words(self.column, self.path)


def by_example(
    method: str,
    schema: Schema,
    sample: Sequence[Row],
    model: Model,
    row: Row,
    texts: Mapping[str, str],
    places: Mapping[str, Pointed] | None = None,
) -> ColumnMapping:
    """The mapping that takes these texts from this row, and the same places of all others.

    Args:
        method: One of METHODS.
        schema: The dataset's schema.
        sample: Some rows.
        model: The model.
        row: The row that was pointed at.
        texts: The trainer's column -> the text of it in the row, e.g. {"prompt": "Why?", "completion": "So."}.
        places: The trainer's column -> where that text is meant, for texts that stand in a row more than once.

    Raises:
        DataError: A text is not in the row, or the method does not take what is made so.
    """
    available = Available(widened(schema, [row, *sample]), model.chat, system=model.template.takes_system)
    meant = places or {}
    found = {target: _place(available, row, target, text, meant.get(target)) for target, text in texts.items()}
    turns = {made.columns + made.paths for made in found.values() if made.reads_turns}
    if (
        len(turns) == 1
        and METHODS[method].recommended_for == "answers"
        and all(made.reads_turns for made in found.values())
    ):
        targets: Targets = {"messages": replace(next(iter(found.values())), how="turns")}
    elif any(made.reads_turns for made in found.values()) or "prompt" not in found:
        targets = found
    else:
        answers = {name: made for name, made in found.items() if name != "prompt"}
        targets = as_turns(available, replace(found["prompt"], before=before_turns(available)), answers)
    mapping = ColumnMapping(targets, in_the_way(method, schema, targets))
    fit = fitted_after(method, mapping, [row, *sample], model)
    if not fit.fits:
        raise DataError(
            f"{method} does not take rows made so.", why=f"{fit.reason}.", remedy="Point at the texts of another row."
        )
    return mapping


def _place(available: Available, row: Row, target: str, text: str, meant: Pointed | None) -> Transform:
    places = [column for column in available.schema.columns.values() if meant is None or _holds(column, meant)]
    for column in sorted(places, key=lambda column: len(column.path)):
        made = available.column(column.name)
        value = value_or_none(made, row)
        whole = meant is None or _plain(column.path) == _plain(meant.path)
        if whole and isinstance(value, str) and column.path[-1:] != (("written",),) and value.strip() == text.strip():
            return made
        if column.shape in CHATS and (how := _turn(value, target, text)):
            return turns_of(available, column.name, how)
    for name, cell in row.items():
        for path in _paths(cell, text.strip(), ()):
            if meant is not None and (name, _plain(path)) != (meant.column, _plain(meant.path)):
                continue
            return Transform("column", (name,), paths=(path,) if path else ())
    raise DataError(f"The text for {target!r} is nowhere in this row: {text[:60]!r}.", remedy="Copy it from the row.")


def _holds(column: Column, meant: Pointed) -> bool:
    """Whether the place that is meant is this column, or lies in it."""
    path = _plain(column.path)
    return column.home == meant.column and _plain(meant.path)[: len(path)] == path


def _plain(path: Path) -> Path:
    """The fields and items on the way; how they are read is left aside."""
    return tuple(key for key in path if isinstance(key, (str, int)))


def _turn(value: Any, target: str, text: str) -> str:
    """How to read turns of which one says the text: what comes before the answer, or the answer; "": none says it."""
    turns = parsed(value) if isinstance(value, str) else value
    said = [
        str(each.get("content", each.get("value", each.get("text")))) for each in turns if isinstance(each, Mapping)
    ]
    if text.strip() not in [words.strip() for words in said]:
        return ""
    return "turns_before_answer" if target == "prompt" else "answer_text" if target == "answer" else "answer_turn"


def _paths(value: Any, text: str, path: Path) -> Iterator[Path]:
    """The ways to this text in a value."""
    if isinstance(value, str):
        inside = parsed(value) if value[:1] in {"[", "{"} else value
        if value.strip() == text:
            yield path
        elif not isinstance(inside, str):
            yield from _paths(inside, text, (*path, ("parsed",)))
    elif isinstance(value, (int, float)) and written(value) == text:
        yield (*path, ("written",))
    elif len(path) < _DEEP and isinstance(value, (Mapping, list)):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        yield from (found for key, item in items for found in _paths(item, text, (*path, key)))


def pointed_at(schema: Schema, row: Row) -> list[Pointed]:
    """All texts in a row that a person may point at; names of speakers are none."""
    found = [Pointed(name, path, cell) for name, cell in row.items() for path, cell in _leaves(cell, ())]
    return [
        one for one in found if schema.shape(one.column) is not Shape.PICTURE and one.path[-1:] not in _SPEAKER_PATHS
    ]


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        inside = parsed(value) if value[:1] in {"[", "{"} else value
        yield from [(path, value)] if isinstance(inside, str) else _leaves(inside, (*path, ("parsed",)))
    elif isinstance(value, (int, float)):
        yield path, written(value)
    elif len(path) < _DEEP and isinstance(value, (Mapping, list)):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        yield from (leaf for key, item in items for leaf in _leaves(item, (*path, key)))
