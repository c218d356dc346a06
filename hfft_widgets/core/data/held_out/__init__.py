"""The split into rows to train on and rows held out: whether a held-out row is nearly the same as one to train on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.data.findings import Finding
from hfft_widgets.core.data.fixes import KEEP_APART, Fix
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS
from hfft_widgets.core.data.rows import numbered, prepared, shortened
from hfft_widgets.core.data.rules.dataset import LEAKAGE
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import DataError
from hfft_widgets.scripts.leakage import nearly_same, row_text
from hfft_widgets.scripts.proof.held_out import PICTURES, drawn, written_texts

if TYPE_CHECKING:
    from hfft_widgets.core.data.fixes import Numbered

Report = Any  # a ValidationReport, which asks this module for its last finding
_FEW_ROWS, _QUICK_BYTES = 100, 4_000_000  # with fewer rows a split says little; with more text it takes seconds
_NUMBERS = 1000


def held_out_rows(rows: int, most: int = 100) -> int:
    """How many rows are held out, where nobody chooses: a tenth, up to so many."""
    return max(1, min(most, rows // 10 or 1))


def split_places(rows: Iterable[Mapping[str, Any]], held_out: int | None = None) -> list[int]:
    """The places of the rows that a script holds out: those with the smallest digests of what they ask.

    Args:
        rows: All rows, as the script has them.
        held_out: About how many; as many as a plan does by itself if not given.
    """
    read = [written_texts({name: cell for name, cell in row.items() if name not in PICTURES}) for row in rows]
    return drawn(read, held_out or held_out_rows(len(read)))[2] if read else []


def check_split(report: Report, method: str | None = None, *, held_out: int | None = None) -> Report:
    """A new report that also says which held-out rows are nearly the same as a row to train on, with a fix.

    Nearly the same: a Jaccard similarity of at least 0.8 on runs of five words. Rows that are wholly the same are
    duplicates, which a report finds anyway. All rows are read: some seconds for 100,000 conversations.

    Args:
        report: From `hfft.validate`.
        method: The method whose rows are split; the recommended one if not given.
        held_out: Rows that a plan holds out (`eval_rows`); as many as it does by itself if not given.

    Raises:
        DataError: No method can read these rows, or the mapping cannot be applied to a row.
    """
    method = method or report.recommended
    if method is None or method not in report.verdicts:
        raise DataError(f"There is no method {method!r} to split rows for.", remedy="Name one that can read the rows.")
    others = tuple(found for found in report.findings if found.rule != LEAKAGE.id)
    places = split_places((row for _, row in _rows(report, method)), held_out)
    found = _found(report, method, places)
    return replace(report, findings=(*others, *([found] if found else [])))


def checked(report: Report) -> Report:
    """The same where it takes no time; the report itself where it would, or where the split is mended already."""
    numbers = report.statistics.get(report.recommended or "")
    mended = any(fix.rule == KEEP_APART for fix in report.fixes)
    if not numbers or mended or numbers["rows"] < _FEW_ROWS or numbers["bytes_total"] > _QUICK_BYTES or report.sampled:
        return report
    try:
        return check_split(report)
    except MAPPING_ERRORS:  # of rows that a mapping cannot take, which are findings of their own
        return report


def _rows(report: Report, method: str) -> Iterator[Numbered]:
    return prepared(numbered(report.rows), method, report.verdicts[method].mapping, report.fixes)


def _held(
    report: Report, method: str, places: list[int], columns: tuple[str, ...]
) -> Iterator[tuple[int, tuple[int, str]]]:
    """Place in the split -> the row's number in the dataset, and its text."""
    if _as_given(report, method):
        yield from ((n, (n, row_text(row, columns))) for n, row in zip(places, report.rows.take(places), strict=True))
        return
    wanted = set(places)
    for place, (number, row) in enumerate(_rows(report, method)):
        if place in wanted:
            yield place, (number, row_text(row, columns))


def _as_given(report: Report, method: str) -> bool:
    """Whether the rows that are split are those of the dataset, so that their places are their numbers."""
    return report.verdicts[method].mapping is None and not any(fix.concerns(method) for fix in report.fixes)


def _texts(report: Report, method: str, columns: tuple[str, ...]) -> Iterator[str]:
    """What each row says."""
    if not _as_given(report, method):
        yield from (row_text(row, columns) for _, row in _rows(report, method))
        return
    from hfft_widgets.core.data import arrow as columnar

    for batch in report.rows.batches(columns):
        yield from map("\n".join, zip(*(_said(columnar.plain_column(batch, name)) for name in columns), strict=True))


def _said(column: Any) -> list[str]:
    """What each cell of a column says; of turns in Arrow without a dict for each, which takes twice as long."""
    from hfft_widgets.core.data import arrow as columnar  # late: a plan asks here how many rows are held out
    from hfft_widgets.core.data.arrow.arrays import offsets, turn_fields

    names = None if isinstance(column, list) else turn_fields(column.type)
    if names is None:
        return [row_text({"": cell}, ("",)) for cell in columnar.listed(column)]
    who, what = (column.values.field(name).to_pylist() for name in names)
    said = ["" if role == "system" else text for role, text in zip(who, what, strict=True)]
    return ["\n".join(filter(None, said[start:end])) for start, end in pairwise(offsets(column).tolist())]


def _found(report: Report, method: str, places: list[int]) -> Finding | None:
    first = next(islice(_rows(report, method), 1), None)
    columns = tuple(name for name in sorted(METHODS[method].columns) if first and name in first[1])
    held = dict(_held(report, method, places, columns))
    train = (text for place, text in enumerate(_texts(report, method, columns)) if place not in held)
    numbers, texts = zip(*held.values(), strict=True) if held else ((), ())
    alike = [place for place, same in nearly_same(train, texts).items() if not same]
    if not alike:
        return None
    rows = sorted(numbers[place] for place in alike)
    fix = Fix(KEEP_APART, columns, (method,))
    return Finding(LEAKAGE.id, LEAKAGE.message, {method: LEAKAGE.effect}, len(rows), tuple(rows[:_NUMBERS]),
                   shortened(texts[alike[0]]), fix, report.coverage)  # fmt: skip
