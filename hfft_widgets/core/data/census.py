"""One pass over a dataset's rows: they are grouped by form, and one row of each group stands for all of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hfft_widgets.core.data import columnar
from hfft_widgets.core.data.rows import Rows
from hfft_widgets.core.data.trainers.reading import shared as first_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

REAL_START = 12  # characters that two texts seldom begin with by chance
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Census:
    """What is kept of a dataset to judge it as often as one likes.

    Attributes:
        columns: All its columns.
        focus: Those that were looked at.
        read: Those of which digests and sizes are kept.
        related: Pairs of columns that were compared.
        total: Number of rows.
        groups: One row per group, with the focus columns; group 0 is that of row 0.
        of: Row -> group; shape (total,).
        digests: Column -> a number per row, equal where the cells are equal; shape (total,).
        sizes: Column -> bytes of text per row; shape (total,).
    """

    columns: tuple[str, ...]
    focus: frozenset[str]
    read: frozenset[str]
    related: frozenset[tuple[str, str]]
    total: int
    groups: tuple[dict[str, Any], ...]
    of: NDArray[np.int32]
    digests: Mapping[str, NDArray[np.uint64]]
    sizes: Mapping[str, NDArray[np.uint32]]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows per group; shape (groups,)."""
        return np.bincount(self.of, minlength=len(self.groups))

    def covers(self, focus: Collection[str], read: Collection[str], related: Collection[tuple[str, str]]) -> bool:
        """Whether it looked at all of these."""
        return self.focus >= set(focus) and self.read >= set(read) and self.related >= set(related)

    def digest(self, columns: Iterable[str]) -> NDArray[np.uint64]:
        """A number per row, equal where all these columns are; columns of which none is kept count as equal."""
        total = np.zeros(self.total, np.uint64)
        for place, name in enumerate(columns):
            if name in self.digests:
                total += self.digests[name] * np.uint64(2 * place + 0x9E3779B97F4A7C15)
        return total


def take_census(
    rows: Rows,
    *,
    focus: Collection[str],
    read: Collection[str] = (),
    related: Collection[tuple[str, str]] = (),
    progress: Progress | None = None,
) -> Census:
    """Group a dataset's rows.

    Args:
        rows: The dataset; it is read once, batch by batch.
        focus: Columns whose form decides about a row.
        read: Columns a trainer may read: of these digests and sizes are kept (12 bytes per row and column).
        related: Pairs of columns to compare with each other.
        progress: Called with (rows read, all rows; 0 if not known) after each batch.
    """
    names = [name for name in rows.columns if name in set(focus)]
    kept = [name for name in names if name in set(read)]
    pairs = [(a, b) for a, b in related if a in names and b in names]
    groups: dict[int, int] = {}
    members: list[dict[str, Any]] = []
    found: list[NDArray[np.int32]] = []
    digests: dict[str, list[NDArray[np.uint64]]] = {name: [] for name in kept}
    sizes: dict[str, list[NDArray[np.uint32]]] = {name: [] for name in kept}
    done = 0
    for batch in rows.batches(names):
        cells = {name: columnar.plain_column(batch, name) for name in names}
        size = columnar.batch_size(batch)
        own = {name: columnar.digests(cells[name]) for name in kept}
        for name in kept:
            digests[name].append(own[name])
            sizes[name].append(columnar.sizes(cells[name]))
        found.append(_grouped(_codes(cells, pairs, own, size), cells, groups, members))
        done += size
        if progress:
            progress(done, rows.total or 0)
    return Census(
        columns=tuple(rows.columns),
        focus=frozenset(focus),
        read=frozenset(read),
        related=frozenset(related),
        total=done,
        groups=tuple(members),
        of=_joined(found, np.int32),
        digests={name: _joined(parts, np.uint64) for name, parts in digests.items()},
        sizes={name: _joined(parts, np.uint32) for name, parts in sizes.items()},
    )


def _joined(parts: list[Any], kind: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _codes(
    cells: Mapping[str, Any],
    pairs: Iterable[tuple[str, str]],
    digests: Mapping[str, NDArray[np.uint64]],
    size: int,
) -> NDArray[np.uint64]:
    total = np.zeros(size, np.uint64)
    for place, column in enumerate(cells.values()):
        total += columnar.codes(column) * np.uint64(2 * place + 0x9E3779B97F4A7C15)
    for place, (a, b) in enumerate(pairs):
        related = relations(cells[a], cells[b], digests.get(a), digests.get(b))
        total += related * np.uint64(2 * place + 0xBF58476D1CE4E5B9)
    return total


def _grouped(
    codes: NDArray[np.uint64], cells: Mapping[str, Any], groups: dict[int, int], members: list[dict[str, Any]]
) -> NDArray[np.int32]:
    """The group of each row; a new group's first row becomes its member."""
    kinds, inverse = columnar.distinct(codes)
    first = np.zeros(len(kinds), np.int64)
    first[inverse[::-1]] = np.arange(len(codes))[::-1]  # the last one written is the first one there
    numbers = np.zeros(len(kinds), np.int32)
    for place, code in enumerate(kinds.tolist()):
        if code not in groups:
            groups[code] = len(members)
            members.append({name: columnar.cell(column, int(first[place])) for name, column in cells.items()})
        numbers[place] = groups[code]
    return numbers[inverse]


# ---- how two columns of a row relate ---------------------------------------------------------


def relation(a: Any, b: Any) -> tuple[Any, ...]:
    """What decides of two cells: whether they are equal, how they begin alike, whether one is in the other.

    >>> relation("Why?", "Why? So."), relation([1, 2], [1, 3])
    ((False, True, False, True, False), (False, 1, True))
    """
    if isinstance(a, str) and isinstance(b, str):
        alike = first_difference(a[:64], b[:64])
        return a == b, b.startswith(a), a.startswith(b), alike > 0, alike >= REAL_START
    if isinstance(a, list) and isinstance(b, list):
        shared = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        return a == b, shared, len(a) == len(b)
    if isinstance(a, str) and isinstance(b, list):
        return (a.strip() in [_words(turn) for turn in b[:4]],)
    return (False,)


def _words(turn: Any) -> Any:
    content = turn.get("content", turn.get("value")) if isinstance(turn, Mapping) else None
    return content.strip() if isinstance(content, str) else content


def relations(
    a: Any, b: Any, digest_a: NDArray[np.uint64] | None, digest_b: NDArray[np.uint64] | None
) -> NDArray[np.uint64]:
    """`relation` of two columns as a number per row."""
    if digest_a is not None and digest_b is not None and columnar.holds_turns(a) and columnar.holds_turns(b):
        return _turn_relations(a, b, digest_a == digest_b)
    pairs = zip(columnar.listed(a), columnar.listed(b), strict=True)
    return np.fromiter((columnar.number(repr(relation(x, y))) for x, y in pairs), np.uint64, len(a))


def _turn_relations(a: Any, b: Any, equal: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """The same for turns in Arrow: the number of turns that both begin with, by comparing digests place by place."""
    at_a, turns_a = columnar.each_turn_digest(a)
    at_b, turns_b = columnar.each_turn_digest(b)
    long_a, long_b = np.diff(at_a), np.diff(at_b)
    shared = np.zeros(len(equal), np.int64)
    alike = np.flatnonzero(np.minimum(long_a, long_b) > 0)
    place = 0
    while len(alike):
        alike = alike[turns_a[at_a[alike] + place] == turns_b[at_b[alike] + place]]
        place += 1
        shared[alike] = place
        alike = alike[np.minimum(long_a[alike], long_b[alike]) > place]
    related: NDArray[np.uint64] = (shared * 4 + equal * 2 + (long_a == long_b)).astype(np.uint64) + np.uint64(11)
    return related
