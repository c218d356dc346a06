"""The split into rows to train on and rows held out: whether a held-out row is nearly the same as one to train on."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from hfft_widgets.core.data.findings import Finding
from hfft_widgets.core.data.fixes import KEEP_APART, Fix, Numbered
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS
from hfft_widgets.core.data.rows import numbered, prepared, shortened
from hfft_widgets.core.data.rules.dataset import LEAKAGE
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import DataError
from hfft_widgets.scripts.leakage import nearly_same, row_text
from hfft_widgets.scripts.proof.held_out import PICTURES, asked_text, bare_text, drawn

Progress = Callable[[int, int], None]
Report = Any  # a ValidationReport, which asks this module for its last finding
_FEW_ROWS, _QUICK_BYTES = 100, 4_000_000  # with fewer rows a split says little; with more text it takes seconds
_NUMBERS = 1000


def held_out_rows(rows: int, most: int = 100) -> int:
    """How many rows are held out, where nobody chooses: a tenth, up to so many."""
    return max(1, min(most, rows // 10 or 1))


def unpictured(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without its pictures, which say nothing here."""
    return {name: cell for name, cell in row.items() if name not in PICTURES}


def split_places(rows: Sequence[Mapping[str, Any]], held_out: int | None = None) -> list[int]:
    """The places of the rows that a script holds out: those with the smallest digests of what they ask.

    Args:
        rows: All rows, as the script has them.
        held_out: About how many; as many as a plan does by itself if not given.
    """
    plain = list(map(unpictured, rows))
    return places([asked_text(row) for row in plain], lambda: map(bare_text, plain), held_out)


def places(asked: Sequence[str], whole: Callable[[], Iterable[str]], held_out: int | None = None) -> list[int]:
    """The same, of what each row asks, and where that does not tell rows apart, of all that it says."""
    return drawn(asked, whole, held_out or held_out_rows(len(asked)))[2] if asked else []


def check_split(
    report: Report, method: str | None = None, *, held_out: int | None = None, progress: Progress | None = None
) -> Report:
    """A new report that also says which held-out rows are nearly the same as a row to train on, with a fix.

    Nearly the same: a Jaccard similarity of at least 0.8 on runs of five words. Rows that are wholly the same are
    duplicates, which a report finds anyway. All rows are read, twice: some seconds for 100,000 conversations.

    Args:
        report: From `hfft.validate`.
        method: The method whose rows are split; the recommended one if not given.
        held_out: Rows that a plan holds out (`eval_rows`); as many as it does by itself if not given.
        progress: Called with (rows read, rows to read) now and then; what it raises ends the check.

    Raises:
        DataError: No method can read these rows, or the mapping cannot be applied to a row.
    """
    method = method or report.recommended
    if method is None or method not in report.verdicts:
        raise DataError(f"There is no method {method!r} to split rows for.", remedy="Name one that can read the rows.")
    others = tuple(found for found in report.findings if found.rule != LEAKAGE.id)
    try:
        found = _found(report, method, held_out, progress)
    except MAPPING_ERRORS as error:
        what = f"The column mapping for {method} cannot be applied to a row."
        raise DataError(what, why=f"{error!r}.", remedy="Leave out such rows, or choose another mapping.") from error
    return replace(report, findings=(*others, *([found] if found else [])))


def checked(report: Report) -> Report:
    """The same where it takes no time; the report itself where it would, or where the split is mended already."""
    method = report.recommended or ""
    if report.sampled or _mended(report) or not _quick(report, method) or report.statistics[method]["rows"] < _FEW_ROWS:
        return report
    try:
        return check_split(report)
    except DataError:  # of rows that a mapping cannot take, which are findings of their own
        return report


def waits(report: Report) -> bool:
    """Whether the split of these rows is looked at only when somebody asks, for it takes some seconds."""
    known = any(found.rule == LEAKAGE.id for found in report.findings)
    quick = not report.recommended or _quick(report, report.recommended)
    return not (known or quick or report.sampled or _mended(report))


def _mended(report: Report) -> bool:
    return any(fix.rule == KEEP_APART for fix in report.fixes)


def _quick(report: Report, method: str) -> bool:
    numbers = report.statistics.get(method)
    return bool(numbers) and numbers["bytes_total"] <= _QUICK_BYTES


def _found(report: Report, method: str, held_out: int | None, progress: Progress | None) -> Finding | None:
    given = report.verdicts[method].mapping is None and not any(fix.concerns(method) for fix in report.fixes)
    rows = _Given(report) if given and not _quick(report, method) else _Prepared(report, method)
    asked = list(_noted(rows.asked(), progress, 0, report.total))
    held = places(asked, rows.whole, held_out)
    columns = tuple(name for name in sorted(METHODS[method].columns) if name in rows.columns)
    numbers, apart = rows.numbers(held), set(held)
    texts = [row_text(row, columns) for row in _taken(report, method, numbers)]
    said = enumerate(_noted(rows.said(columns), progress, 1, report.total))
    alike = [n for n, same in nearly_same((text for n, text in said if n not in apart), texts).items() if not same]
    if not alike:
        return None
    found = sorted(numbers[n] for n in alike)
    fix = Fix(KEEP_APART, columns, (method,))
    return Finding(LEAKAGE.id, LEAKAGE.message, {method: LEAKAGE.effect}, len(found), tuple(found[:_NUMBERS]),
                   shortened(texts[alike[0]]), fix, report.coverage)  # fmt: skip


def _noted(texts: Iterable[str], progress: Progress | None, read: int, rows: int) -> Iterator[str]:
    """The texts, as they are told to a meter of two looks at all rows, of which so many are done."""
    for done, text in enumerate(texts, read * rows + 1):
        if progress and done % _NUMBERS == 0:
            progress(done, 2 * rows)
        yield text


def _taken(report: Report, method: str, numbers: Sequence[int]) -> list[Mapping[str, Any]]:
    """Rows by number, as the method's trainer gets them."""
    fixes = [fix for fix in report.fixes if fix.rule != "deduplicate"]  # which looks at other rows
    given = zip(numbers, report.rows.take(numbers), strict=True)
    return [row for _, row in prepared(given, method, report.verdicts[method].mapping, fixes)]


def _prepared(report: Report, method: str) -> Iterator[Numbered]:
    return prepared(numbered(report.rows), method, report.verdicts[method].mapping, report.fixes)


class _Prepared:
    """Rows as a mapping and fixes make them: kept where they are small, else made at each look."""

    def __init__(self, report: Report, method: str) -> None:
        self._make: Callable[[], Iterator[Numbered]] = partial(_prepared, report, method)
        if _quick(report, method):
            self._make = list(self._make()).__iter__
        self._numbers = array("q")
        self.columns: tuple[str, ...] = ()

    def asked(self) -> Iterator[str]:
        for number, row in self._make():
            self._numbers.append(number)
            self.columns = self.columns or tuple(row)
            yield asked_text(unpictured(row))

    def whole(self) -> Iterator[str]:
        return (bare_text(unpictured(row)) for _, row in self._make())

    def said(self, columns: Sequence[str]) -> Iterator[str]:
        return (row_text(row, columns) for _, row in self._make())

    def numbers(self, held: Sequence[int]) -> list[int]:
        return [self._numbers[place] for place in held]


class _Given:
    """Rows as the dataset has them, batch by batch."""

    def __init__(self, report: Report) -> None:
        self._rows, self.columns = report.rows, report.rows.columns

    def asked(self) -> Iterator[str]:
        from hfft_widgets.core.data.held_out import batches  # late: a plan asks here how many rows are held out

        names = [name for name in self.columns if name not in PICTURES]
        return (text for batch in self._rows.batches(names) for text in batches.asked(batch, names))

    def whole(self) -> Iterator[str]:
        return (bare_text(unpictured(row)) for _, row in numbered(self._rows))

    def said(self, columns: Sequence[str]) -> Iterator[str]:
        from hfft_widgets.core.data.held_out import batches

        return (text for batch in self._rows.batches(columns) for text in batches.said(batch, columns))

    def numbers(self, held: Sequence[int]) -> list[int]:
        return list(held)
