"""Column mappings: which columns of a dataset become the columns a trainer reads. They apply, and they write code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

from hfft_widgets.core.data.picks import Pick
from hfft_widgets.core.data.shapes import Row
from hfft_widgets.core.script import literal
from hfft_widgets.errors import DataError

# What applying a mapping to a row of another shape may raise.
MAPPING_ERRORS = (TypeError, KeyError, AttributeError, IndexError, ValueError)


@dataclass(frozen=True)
class ColumnMapping:
    """How the columns a trainer reads are filled.

    Columns that are read and not filled themselves go away, so do those in `drop`; all others stay.

    >>> mapping = ColumnMapping.rename({"question": "prompt"}, drop=["id"])
    >>> mapping.apply({"id": 7, "question": "Why?", "level": 1})
    {'level': 1, 'prompt': 'Why?'}

    Attributes:
        targets: The trainer's column -> where its values come from.
        drop: Columns to remove.
    """

    targets: Mapping[str, Pick] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    @classmethod
    def rename(cls, names: Mapping[str, str], *, drop: Iterable[str] = ()) -> ColumnMapping:
        """A mapping that gives columns other names: old -> new."""
        return cls({new: Pick("column", (old,)) for old, new in names.items()}, tuple(drop))

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it reads, each once."""
        return tuple(dict.fromkeys(name for pick in self.targets.values() for name in pick.columns))

    @property
    def removed(self) -> tuple[str, ...]:
        """The columns that are gone afterwards."""
        return tuple(name for name in dict.fromkeys((*self.drop, *self.sources)) if name not in self.targets)

    @property
    def _filled(self) -> dict[str, Pick]:
        """The targets that are not simply the column they are."""
        return {name: pick for name, pick in self.targets.items() if not (pick.plain and pick.columns == (name,))}

    @property
    def words(self) -> str:
        """The mapping in words, e.g. "chosen from 'good_response'; without 'id'"."""
        parts = [f"{name} from {pick.words}" for name, pick in self._filled.items()]
        if self.drop:
            parts.append("without " + ", ".join(f"'{name}'" for name in self.drop))
        return "; ".join(parts)

    def apply(self, rows: Any) -> Any:
        """One row (a mapping) -> a dict; an iterable of rows -> a list of dicts."""
        return self._row(rows) if isinstance(rows, Mapping) else [self._row(row) for row in rows]

    def _row(self, row: Row) -> dict[str, Any]:
        gone = set(self.removed)
        kept = {name: cell for name, cell in row.items() if name not in gone}
        return kept | {name: pick.value(row) for name, pick in self._filled.items()}

    def code(self, columns: Iterable[str] = ()) -> str:
        """Lines of Python that do the same to `dataset`.

        Args:
            columns: The dataset's columns. With them, a mapping that only renames is written as a rename; without
                them it cannot be known that the new names are free.
        """
        renamed = self._renamed(set(columns))
        made = {name: pick for name, pick in self._filled.items() if name not in renamed.values()}
        removed = [name for name in self.removed if name not in renamed]
        lines = ["import json"] if any(pick.json for pick in made.values()) else []
        if made:
            lines += _map_lines(made, removed)
        elif removed:
            lines.append(f"dataset = dataset.remove_columns({literal(removed)})")
        if renamed:
            lines.append(f"dataset = dataset.rename_columns({literal(renamed)})")
        return "\n".join(lines)

    def _renamed(self, columns: set[str]) -> dict[str, str]:
        """Columns that only get another name, and a free one: old -> new. Read and written anew, JPEGs would lose."""
        uses = [name for pick in self.targets.values() for name in pick.columns]
        plain = {pick.columns[0]: name for name, pick in self._filled.items() if pick.plain and name not in columns}
        kept = {old: new for old, new in plain.items() if uses.count(old) == 1 and old not in self.targets}
        return kept if columns else {}

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` takes them back."""
        return {"targets": {name: pick.to_dict() for name, pick in self.targets.items()}, "drop": list(self.drop)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ColumnMapping:
        """The mapping `to_dict` described.

        Raises:
            DataError: These values describe no mapping.
        """
        try:
            targets = {str(name): Pick.from_dict(pick) for name, pick in values.get("targets", {}).items()}
            return cls(targets, tuple(map(str, values.get("drop", ()))))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"These values describe no column mapping: {error!r}.",
                remedy="Use what ColumnMapping.to_dict() returned.",
            ) from error

    def missing(self, columns: Iterable[str]) -> list[str]:
        """Columns it reads or drops that the dataset does not have."""
        there = set(columns)
        return [name for name in dict.fromkeys((*self.sources, *self.drop)) if name not in there]


def _map_lines(filled: Mapping[str, Pick], removed: list[str]) -> Iterator[str]:
    yield "dataset = dataset.map("
    yield "    lambda row: {"
    for name, pick in filled.items():
        yield indent(f"{literal(name)}: {pick.code},", " " * 8)
    yield "    },"
    if removed:
        yield f"    remove_columns={literal(removed)},"
    yield ")"
