"""The data in numbers for a plan, from what its report knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hfft_widgets.core.data.lengths import Lengths
from hfft_widgets.core.data.report import ValidationReport
from hfft_widgets.core.data.shapes import picture_size
from hfft_widgets.core.data.trainers import Reading
from hfft_widgets.core.plan.settings import COUNTED, GUESSED, UNSEEN, DataFacts
from hfft_widgets.core.plan.work import PAIRED
from hfft_widgets.errors import DataError

# without a tokenizer: bytes of English text per token in a large vocabulary
_BYTES_PER_TOKEN = 4.0
# of a method that the report did not count, so many rows are read
_SAMPLE_ROWS = 300


PictureTokens = Callable[[int, int], int | None]  # height and width in pixels -> tokens, None: not known


def data_facts(report: ValidationReport, method: str, pictures: PictureTokens | None = None) -> DataFacts:
    """What a plan needs to know of the rows a method would train on.

    Tokens are those the trainer makes of a row, chat template and pictures included. Of a sampled dataset the rows
    are those of all of it, in the proportion that the sample keeps.

    Args:
        report: On the data.
        method: The method.
        pictures: How many tokens the model makes of a picture; None: it sees none.
    """
    first = next(iter(report.rows_for(method, 1)), {})
    mean, longest, share, source = _tokens(report, method)
    facts = DataFacts(
        name=report.name,
        reference=dict(report.reference or {}),
        code=report.code(method),
        columns=tuple(first),
        conversational=any(
            isinstance(value, list) and value and isinstance(value[0], Mapping) and "role" in value[0]
            for value in first.values()
        ),
        rows=_rows(report, method),
        tokens_per_row=mean,
        longest_tokens=longest,
        tokens_source=source,
        trained_share=None if method in PAIRED else share,
        coverage=report.coverage,
        max_length=report.max_length,
    )
    return _with_pictures(facts, report, method, pictures) if pictures and facts.pictures else facts


def _with_pictures(facts: DataFacts, report: ValidationReport, method: str, tokens: PictureTokens) -> DataFacts:
    """The same with the tokens of the pictures in the first rows."""
    assert facts.pictures is not None
    counts = []
    for row in report.rows_for(method, _SAMPLE_ROWS):
        cell = row[facts.pictures]
        sizes = map(picture_size, cell if isinstance(cell, list) else [cell])
        counts.append([tokens(*size) if size else None for size in sizes])
    known = [count for row in counts for count in row if count is not None]
    if not known:
        return dataclasses.replace(facts, tokens_source=f"{facts.tokens_source}; {UNSEEN}")
    each = sum(known) / len(known)  # stands for those that cannot be opened here
    rows = sorted(sum(each if count is None else count for count in row) for row in counts)
    mean, most = sum(rows) / len(rows), rows[int(len(rows) * 0.99)]
    share = facts.trained_share
    return dataclasses.replace(
        facts,
        tokens_per_row=facts.tokens_per_row + mean,
        longest_tokens=facts.longest_tokens + round(most),
        trained_share=None if share is None else share * facts.tokens_per_row / (facts.tokens_per_row + mean),
        tokens_source=f"{facts.tokens_source}, and about {each:,.0f} for each picture",
    )


def _rows(report: ValidationReport, method: str) -> int:
    known = report.statistics.get(method)
    kept = known["rows"] if known else len(report.rows_for(method))
    if report.sampled and report.all_rows and report.total:
        return round(kept * report.all_rows / report.total)
    return kept


def _tokens(report: ValidationReport, method: str) -> tuple[float, int, float | None, str]:
    """Mean and 99th percentile of tokens per row, the share that is learned, and how they were counted."""
    lengths = report.lengths.get(method)
    if lengths is not None and len(lengths.total):
        return *_of_lengths(lengths), COUNTED
    if report.counter is not None and (counted := _counted(report, method)):
        return *counted, COUNTED
    known = report.statistics.get(method, {"bytes_total": 0, "rows": 0, "bytes_p99": 0})
    mean = known["bytes_total"] / max(1, known["rows"]) / _BYTES_PER_TOKEN
    return max(1.0, mean), max(1, round(known["bytes_p99"] / _BYTES_PER_TOKEN)), None, GUESSED


def _of_lengths(lengths: Lengths) -> tuple[float, int, float]:
    share = float(lengths.trained.sum() / max(1, lengths.total.sum()))
    return max(1.0, float(lengths.total.mean())), max(1, lengths.quantile(0.99)), min(1.0, share)


def _counted(report: ValidationReport, method: str) -> tuple[float, int, float | None] | None:
    """The same for a method that the report did not count, from rows spread over the data."""
    texts = [[passage.context + passage.learned for passage in reading.passages] for reading in _read(report, method)]
    assert report.counter is not None
    counts = iter(report.counter([text for row in texts for text in row]))
    totals = sorted(max(next(counts) for _ in row) for row in texts)
    if not totals:
        return None
    return max(1.0, sum(totals) / len(totals)), max(1, totals[int(len(totals) * 0.99)]), None


def _read(report: ValidationReport, method: str) -> Iterator[Reading]:
    for number in range(0, report.total, max(1, report.total // _SAMPLE_ROWS)):
        try:
            reading: Any = report.reading(method, number)
        except DataError:  # a fix leaves this row out
            continue
        if reading.passages:
            yield reading
