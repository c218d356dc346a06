"""One pass over a dataset's rows: they are grouped, and one row of each group stands for all of it.

Rows of one kind have cells of one outline, so a trainer makes the same of them; rows of one group have texts of the
same facets as well, so every rule says the same of them. What renders a row is asked once per kind, which are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hfft_widgets.core.data import arrow as columnar
from hfft_widgets.core.data.emulators.base import shared
from hfft_widgets.core.data.emulators.outline import REAL_START, Json, Pair, pair_of, repeats
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.rows import Rows
from hfft_widgets.scripts.rows import higher

if TYPE_CHECKING:
    from numpy.typing import NDArray

Progress = Callable[[int, int], None]
Source = str | Transform


@dataclass(frozen=True)
class Looks:
    """What a pass looks at.

    Attributes:
        focus: Columns that decide about a row.
        read: Columns a trainer may read: of these digests and sizes are kept (12 bytes per row and column).
        related: Pairs of columns to compare with each other.
        written: Columns whose texts are read as the JSON they are.
        made: What mappings make of rows that the outlines of their columns do not tell.
    """

    focus: frozenset[str]
    read: frozenset[str] = frozenset()
    related: frozenset[tuple[Source, Source]] = frozenset()
    written: frozenset[str] = frozenset()
    made: frozenset[Transform] = frozenset()

    def __or__(self, other: Looks) -> Looks:
        return Looks(
            self.focus | other.focus,
            self.read | other.read,
            self.related | other.related,
            self.written | other.written,
            self.made | other.made,
        )


@dataclass(frozen=True)
class Grouping:
    """What is kept of a dataset to judge it as often as one likes.

    Attributes:
        columns: All its columns.
        focus: Those that were looked at.
        read: Those of which digests and sizes are kept.
        related: Pairs of columns that were compared.
        written: Columns whose JSON text was read.
        made: What was made of rows.
        total: Number of rows.
        groups: One row per group, with the focus columns; group 0 is that of row 0.
        kinds: Group -> kind; shape (groups,).
        of: Row -> group; shape (total,).
        digests: Column -> a number per row, equal where the cells are equal; shape (total,).
        sizes: Column -> bytes of text per row; shape (total,).
    """

    columns: tuple[str, ...]
    focus: frozenset[str]
    read: frozenset[str]
    related: frozenset[tuple[Source, Source]]
    written: frozenset[str]
    made: frozenset[Transform]
    total: int
    groups: tuple[dict[str, Any], ...]
    kinds: NDArray[np.int32]
    of: NDArray[np.int32]
    digests: Mapping[str, NDArray[np.uint64]]
    sizes: Mapping[str, NDArray[np.uint32]]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows per group; shape (groups,)."""
        return np.bincount(self.of, minlength=len(self.groups))

    def covers(self, looks: Looks) -> bool:
        """Whether it looked at all of these."""
        return self.looks | looks == self.looks

    @property
    def looks(self) -> Looks:
        """What it looked at."""
        return Looks(self.focus, self.read, self.related, self.written, self.made)

    def digest(self, columns: Iterable[str]) -> NDArray[np.uint64]:
        """A number per row, equal where all these columns are; columns of which none is kept count as equal."""
        total = np.zeros(self.total, np.uint64)
        for place, name in enumerate(columns):
            if name in self.digests:
                total += self.digests[name] * np.uint64(2 * place + 0x9E3779B97F4A7C15)
        return total


def group_rows(rows: Rows, looks: Looks, progress: Progress | None = None) -> Grouping:
    """Group a dataset's rows.

    Args:
        rows: The dataset; it is read once, batch by batch.
        looks: What to look at.
        progress: Called with (rows read, all rows; 0 if not known) after each batch.
    """
    names = [name for name in rows.columns if name in looks.focus]
    kept = [name for name in names if name in looks.read]
    known = {*names, *looks.made}
    pairs = sorted(((a, b) for a, b in looks.related if a in known and b in known), key=repr)
    groups = _Groups()
    found: list[NDArray[np.int32]] = []
    digests: dict[str, list[NDArray[np.uint64]]] = {name: [] for name in kept}
    sizes: dict[str, list[NDArray[np.uint32]]] = {name: [] for name in kept}
    done = 0
    for batch in rows.batches(names):
        given = {name: columnar.plain_column(batch, name) for name in names}
        cells = {name: columnar.read_json(c) if name in looks.written else c for name, c in given.items()}
        size = columnar.batch_size(batch)
        cells |= _made(sorted(looks.made, key=repr), given, size)
        own = {name: columnar.digests(cells[name]) for name in kept}
        for name in kept:
            digests[name].append(own[name])
            sizes[name].append(columnar.sizes(cells[name]))
        found.append(groups.take(*_codes(cells, pairs, own, size), given))
        done += size
        if progress:
            progress(done, rows.total or 0)
    return Grouping(
        columns=tuple(rows.columns),
        **vars(looks),
        total=done,
        groups=tuple(groups.members),
        kinds=np.array(groups.kinds, np.int32),
        of=_joined(found, np.int32),
        digests={name: _joined(parts, np.uint64) for name, parts in digests.items()},
        sizes={name: _joined(parts, np.uint32) for name, parts in sizes.items()},
    )


def _made(transforms: list[Transform], given: Mapping[str, Any], size: int) -> dict[Any, Any]:
    """What these make of each row of a batch; an error, by its name."""
    read = {name for transform in transforms for name in transform.sources if name in given}
    columns = {name: columnar.listed(given[name]) for name in read}
    rows = [{name: cells[number] for name, cells in columns.items()} for number in range(size)] if transforms else []
    return {transform: [_tried(transform, row) for row in rows] for transform in transforms}


def _tried(transform: Transform, row: Mapping[str, Any]) -> Any:
    try:
        return transform.value(row)
    except MAPPING_ERRORS as error:
        return {"error": type(error).__name__}


def _joined(parts: list[Any], kind: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _codes(
    cells: Mapping[Any, Any],
    pairs: Iterable[tuple[Source, Source]],
    digests: Mapping[Any, NDArray[np.uint64]],
    size: int,
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Two numbers per row: of its kind, and of what tells it from others of its kind."""
    kinds, marks = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    for place, column in enumerate(cells.values()):
        factor = np.uint64(2 * place + 0x9E3779B97F4A7C15)
        form, mark = columnar.codes(column)
        kinds += form * factor
        marks += mark * factor
    for place, (a, b) in enumerate(pairs):
        factor = np.uint64(2 * place + 0xBF58476D1CE4E5B9)
        form, mark = relations(cells[a], cells[b], digests.get(a), digests.get(b))
        kinds += form * factor
        marks += mark * factor
    return kinds, marks


class _Groups:
    """The groups while batches go by."""

    def __init__(self) -> None:
        self.members: list[dict[str, Any]] = []
        self.kinds: list[int] = []
        self._groups: dict[int, int] = {}
        self._kinds: dict[int, int] = {}

    def take(self, kinds: NDArray[np.uint64], marks: NDArray[np.uint64], cells: Mapping[str, Any]) -> NDArray[np.int32]:
        """The group of each row; a new group's first row becomes its member."""
        codes, inverse = columnar.distinct(kinds ^ (marks * np.uint64(0x94D049BB133111EB)))
        first = np.zeros(len(codes), np.int64)
        first[inverse[::-1]] = np.arange(len(kinds))[::-1]  # the last one written is the first one there
        numbers = np.zeros(len(codes), np.int32)
        for place, (code, row) in enumerate(zip(codes.tolist(), first.tolist(), strict=True)):
            if code not in self._groups:
                self._groups[code] = len(self.members)
                self.members.append({name: columnar.cell(column, row) for name, column in cells.items()})
                self.kinds.append(self._kinds.setdefault(int(kinds[row]), len(self._kinds)))
            numbers[place] = self._groups[code]
        return numbers[inverse]


# ---- how two columns of a row relate ---------------------------------------------------------


_NOTHING_ALIKE = False, (Pair(), False, False)


def relation(a: Any, b: Any) -> tuple[Any, Any]:
    """How two cells relate: as far as it decides what a trainer makes of them, and as far as rules ask for it.

    >>> relation("Why?", "Why? So.")[1] == relation("How?", "How? Now.")[1], relation([1, 2], [1, 3])[0]
    (True, (False, 1, True, False))
    """
    if isinstance(a, Json) or isinstance(b, Json):
        return relation(*(cell.value if isinstance(cell, Json) else cell for cell in (a, b)))
    if isinstance(a, str) and isinstance(b, str):
        if a and b and a[0] != b[0]:
            return _NOTHING_ALIKE
        return False, (pair_of(a, b), repeats(b, a), shared(a[:REAL_START], b[:REAL_START]) == REAL_START)
    if isinstance(a, list) and isinstance(b, list):
        alike = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        return (a == b, alike, len(a) == len(b), a[-1:] == b[-1:]), None
    if isinstance(a, str) and isinstance(b, list):
        return a.strip() in [_words(turn) for turn in b[:4]], None
    return (higher(a, b), a is None, b is None), None  # of two scores, which answer is the better one


def _words(turn: Any) -> Any:
    content = turn.get("content", turn.get("value")) if isinstance(turn, Mapping) else None
    return content.strip() if isinstance(content, str) else content


def relations(
    a: Any, b: Any, digest_a: NDArray[np.uint64] | None, digest_b: NDArray[np.uint64] | None
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """`relation` of two columns as two numbers per row."""
    if digest_a is not None and digest_b is not None and columnar.holds_turns(a) and columnar.holds_turns(b):
        return _turn_relations(a, b, digest_a == digest_b), np.zeros(len(digest_a), np.uint64)
    pairs = zip(columnar.listed(a), columnar.listed(b), strict=True)
    found = (_related(relation(x, y)) for x, y in pairs)
    both: NDArray[np.uint64] = np.fromiter(found, np.dtype((np.uint64, 2)), len(a))
    return both[:, 0], both[:, 1]


@lru_cache(maxsize=4096)
def _related(found: tuple[Any, Any]) -> tuple[int, int]:
    return columnar.number(repr(found[0])), 0 if found[1] is None else columnar.number(repr(found[1]))


def _turn_relations(a: Any, b: Any, equal: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """The same for turns in Arrow: the number of turns that both begin with, by comparing digests place by place."""
    at_a, turns_a = columnar.each_turn_digest(a)
    at_b, turns_b = columnar.each_turn_digest(b)
    long_a, long_b = np.diff(at_a), np.diff(at_b)
    alike, last = np.zeros(len(equal), np.int64), np.zeros(len(equal), bool)
    both = np.flatnonzero(np.minimum(long_a, long_b) > 0)
    last[both] = turns_a[at_a[1:][both] - 1] == turns_b[at_b[1:][both] - 1]
    place = 0
    while len(both):
        both = both[turns_a[at_a[both] + place] == turns_b[at_b[both] + place]]
        place += 1
        alike[both] = place
        both = both[np.minimum(long_a[both], long_b[both]) > place]
    related: NDArray[np.uint64] = (alike * 8 + last * 4 + equal * 2 + (long_a == long_b)).astype(np.uint64)
    return related + np.uint64(11)
