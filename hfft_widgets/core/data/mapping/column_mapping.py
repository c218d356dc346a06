"""Column mappings: which columns of a dataset become the columns a trainer reads. They apply, and they write code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from textwrap import indent
from typing import Any

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.data.mapping.steps import Step
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.script import as_json, from_json, literal, with_functions
from hfft_widgets.errors import DataError

# What applying a mapping to a row of another shape may raise.
MAPPING_ERRORS = (TypeError, KeyError, AttributeError, IndexError, ValueError, OverflowError)


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

    targets: Mapping[str, Transform] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    @classmethod
    def rename(cls, names: Mapping[str, str], *, drop: Iterable[str] = ()) -> ColumnMapping:
        """A mapping that gives columns other names: old -> new."""
        return cls({new: Transform("column", (old,)) for old, new in names.items()}, tuple(drop))

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it reads, each once."""
        return tuple(dict.fromkeys(name for transform in self.targets.values() for name in transform.sources))

    @property
    def removed(self) -> tuple[str, ...]:
        """The columns that are gone afterwards."""
        return tuple(name for name in dict.fromkeys((*self.drop, *self.sources)) if name not in self.targets)

    @property
    def _filled(self) -> dict[str, Transform]:
        """The targets that are not simply the column they are."""
        return {name: made for name, made in self.targets.items() if not (made.plain and made.columns == (name,))}

    @property
    def words(self) -> str:
        """The mapping in words, e.g. "chosen from 'good_response'; without 'id'"."""
        parts = [f"{name} from {transform.words}" for name, transform in self._filled.items()]
        if self.drop:
            parts.append("without " + ", ".join(f"'{name}'" for name in self.drop))
        return "; ".join(parts)

    @property
    def asks(self) -> str:
        """What must be known first: by which score an answer is the better one, as a question; "": nothing."""
        asking = next((made for made in self.targets.values() if made.wins == "ask"), None)
        return f"Which answer is better, the one with the highest or the lowest {asking.scores}?" if asking else ""

    def better(self, wins: str) -> ColumnMapping:
        """The same, once it is known which score is the better one: "highest" or "lowest".

        Raises:
            DataError: It is neither.
        """
        if wins not in {"highest", "lowest"}:
            raise DataError(f"{wins!r} says nothing of scores.", remedy='Say "highest" or "lowest".')
        return replace(self, targets={name: made.better(wins) for name, made in self.targets.items()})

    @property
    def _decisions(self) -> list[Step]:
        decisions = {made.decision.code: made.decision for made in self.targets.values() if made.decision}
        return list(decisions.values())

    def keeps(self, row: Row) -> bool:
        """Whether the row says which answer is the better one, where that must be known; a tie does not."""
        return all(decision.value(row) is not None for decision in self._decisions)

    def apply(self, rows: Any) -> Any:
        """One row (a mapping) -> a dict; an iterable of rows -> a list of dicts, of those rows that it keeps."""
        return self._row(rows) if isinstance(rows, Mapping) else [self._row(row) for row in rows if self.keeps(row)]

    def _row(self, row: Row) -> dict[str, Any]:
        gone = set(self.removed)
        kept = {name: cell for name, cell in row.items() if name not in gone}
        return kept | {name: transform.value(row) for name, transform in self._filled.items()}

    def code(self, columns: Iterable[str] = ()) -> str:
        """Lines of Python that do the same to `dataset`, with the functions they call.

        Args:
            columns: The dataset's columns. With them, a mapping that only renames is written as a rename; without
                them it cannot be known that the new names are free.
        """
        return with_functions(self.lines(columns), "rows")

    def lines(self, columns: Iterable[str] = ()) -> str:
        """The same without the functions, which are those of `scripts.rows`."""
        renamed = self._renamed(set(columns))
        made = {name: transform for name, transform in self._filled.items() if name not in renamed.values()}
        removed = [name for name in self.removed if name not in renamed]
        kept = [f"dataset = dataset.filter(lambda row: {step.code} is not None)" for step in self._decisions]
        lines: list[str] = [f"# Rows without a better answer go.\n{line}" for line in kept]
        if made:
            lines += _map_lines(made, removed)
        elif removed:
            lines.append(f"dataset = dataset.remove_columns({literal(removed)})")
        if renamed:
            lines.append(f"dataset = dataset.rename_columns({literal(renamed)})")
        return "\n".join(lines)

    def _renamed(self, columns: set[str]) -> dict[str, str]:
        """Columns that only get another name, and a free one: old -> new. Read and written anew, JPEGs would lose."""
        uses = [name for transform in self.targets.values() for name in transform.sources]
        plain = {made.columns[0]: name for name, made in self._filled.items() if made.plain and name not in columns}
        kept = {old: new for old, new in plain.items() if uses.count(old) == 1 and old not in self.targets}
        return kept if columns else {}

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` takes them back."""
        return {"targets": {name: made.to_dict() for name, made in self.targets.items()}, "drop": list(self.drop)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ColumnMapping:
        """The mapping `to_dict` described.

        Raises:
            DataError: These values describe no mapping.
        """
        try:
            targets = {str(name): Transform.from_dict(made) for name, made in values.get("targets", {}).items()}
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


def _map_lines(filled: Mapping[str, Transform], removed: list[str]) -> Iterator[str]:
    yield "dataset = dataset.map("
    yield "    lambda row: {"
    for name, transform in filled.items():
        code = as_json(transform.code) if transform.loose else transform.code
        yield indent(f"{literal(name)}: {code},", " " * 8)
    yield "    },"
    if removed:
        yield f"    remove_columns={literal(removed)},"
    yield ")"
    yield from (from_json(name) for name, transform in filled.items() if transform.loose)
