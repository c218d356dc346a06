"""The data in numbers for a plan, from what its report knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.data.columns import picture_size
from hfft_widgets.core.data.emulators.base import ALL
from hfft_widgets.core.data.emulators.learned import LAST, MARKED
from hfft_widgets.core.data.fixes import KEEP_APART
from hfft_widgets.core.data.rules.dataset import LEAKAGE
from hfft_widgets.core.estimate.padding import RowLengths
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import DataError

if TYPE_CHECKING:
    from hfft_widgets.core.data.emulators import Reading
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.data.token_lengths import Lengths

PictureTokens = Callable[[int, int], int | None]  # height and width in pixels -> tokens, None: not known
# what a plan calls the ways in which answers alone are learned
_SETTINGS = {MARKED: "assistant_only_loss", LAST: "answers_only"}
# without a tokenizer: bytes of English text per token in a large vocabulary
_BYTES_PER_TOKEN = 4.0
# of a method that the report did not count, so many rows are read
_SAMPLE_ROWS = 300
_EXAMPLES = 32
# how tokens were counted
COUNTED, GUESSED, UNSEEN = "the model's tokenizer", "bytes divided by four", "pictures are not counted"


def lies_here(reference: Mapping[str, Any]) -> bool:
    """Whether a reference, keyword arguments of `load_dataset`, is to files or a folder of this machine."""
    return "data_files" in reference or PurePath(str(reference.get("path", ""))).is_absolute()


@dataclass(frozen=True)
class DataStats:
    """What a plan needs to know of the data, after mapping and fixes.

    Attributes:
        name: For people.
        reference: Keyword arguments of `load_dataset`.
        code: Lines that apply mapping and fixes to `dataset`; "" for none.
        columns: Column names after them.
        conversational: Whether prompts or texts are lists of messages.
        rows: Rows after them.
        tokens_per_row: Mean tokens a row takes in the model.
        longest_tokens: Tokens that 99 % of the rows stay within.
        tokens_source: How the tokens were counted.
        trained_share: Share of the tokens that carry a loss, from 0 to 1; None: not known.
        coverage: Which rows were looked at.
        max_length: The limit in tokens that a person chose while looking at the rows; None: none.
        applied: That mapping and those fixes as JSON values; None: only the code is known.
        learns: How conversations are learned: "all" of their words, all "marked" answers, or the "last" one alone.
        lengths: Tokens of each row; None: only the mean and the 99th percentile are known.
        answers: Tokens of the reference answers, where the method generates answers; None: not known.
        examples: Rows to try a reward on, where the method has one; no part of what is kept.
        apart: The columns by which held-out rows are kept apart from those to train on; (): they are not.
        leaked: Held-out rows that are known to be nearly the same as one to train on.
        report: What this was read from, or None; no part of what is kept.
        picture_tokens: How many tokens the model makes of a picture, or None; no part of what is kept.
    """

    name: str
    reference: Mapping[str, Any]
    code: str
    columns: tuple[str, ...]
    conversational: bool
    rows: int
    tokens_per_row: float
    longest_tokens: int
    tokens_source: str = COUNTED
    trained_share: float | None = None
    coverage: str = "all rows"
    max_length: int | None = None
    applied: Mapping[str, Any] | None = None
    learns: str = ALL
    lengths: RowLengths | None = field(default=None, repr=False)
    answers: RowLengths | None = field(default=None, repr=False)

    @cached_property
    def row_lengths(self) -> RowLengths:
        """Tokens of each row; where they are not known, as texts of this mean and percentile usually are."""
        return self.lengths or RowLengths.likely(self.tokens_per_row, self.longest_tokens, self.rows)

    examples: tuple[Mapping[str, Any], ...] = field(default=(), repr=False, compare=False)
    apart: tuple[str, ...] = ()
    leaked: int = 0
    report: ValidationReport | None = field(default=None, repr=False, compare=False)
    picture_tokens: PictureTokens | None = field(default=None, repr=False, compare=False)

    @property
    def pictures(self) -> str | None:
        """The column that holds pictures for TRL, "images" or "image", or None."""
        return next((name for name in ("images", "image") if name in self.columns), None)

    def to_dict(self) -> dict[str, Any]:
        """JSON values; of the lengths what a person reads, mean and percentile."""
        return {name: value for name, value in vars(self).items() if name in _SHOWN}


_KEPT_BACK = {"lengths", "answers", "examples", "report", "picture_tokens"}
_SHOWN = frozenset(f.name for f in dataclasses.fields(DataStats)) - _KEPT_BACK


def data_stats(report: ValidationReport, method: str, pictures: PictureTokens | None = None) -> DataStats:
    """What a plan needs to know of the rows a method would train on.

    Tokens are those the trainer makes of a row, chat template and pictures included. Of a sampled dataset the rows
    are those of all of it, in the proportion that the sample keeps.

    Args:
        report: On the data.
        method: The method.
        pictures: How many tokens the model makes of a picture; None: it sees none.
    """
    first = next(iter(report.rows_for(method, 1)), {})
    lengths, (mean, longest, share, source) = _lengths(report, method), _tokens(report, method)
    facts = DataStats(
        name=report.name,
        reference=dict(report.reference or {}),
        code=report.lines(method),
        columns=tuple(first),
        conversational=any(
            isinstance(value, list) and value and isinstance(value[0], Mapping) and "role" in value[0]
            for value in first.values()
        ),
        rows=_rows(report, method),
        tokens_per_row=mean,
        longest_tokens=longest,
        tokens_source=source,
        trained_share=None if METHODS[method].paired else share,
        coverage=report.coverage,
        max_length=report.max_length,
        applied=_applied(report, method),
        learns=report.learns(method),
        lengths=lengths,
        answers=_answers(report, method),
        examples=tuple(report.rows_for(method, _EXAMPLES)) if METHODS[method].generates else (),
        apart=next((fix.columns for fix in report.fixes if fix.rule == KEEP_APART and fix.concerns(method)), ()),
        leaked=sum(found.count for found in report.findings if found.rule == LEAKAGE.id and method in found.effects),
        report=report,
        picture_tokens=pictures,
    )
    return _with_pictures(facts, report, method, pictures) if pictures and facts.pictures else facts


def learning(report: ValidationReport, method: str, settings: Mapping[str, object]) -> ValidationReport:
    """The report in which conversations are learned as these settings of a plan want it; itself if they say nothing.

    Args:
        report: On the data.
        method: The method of the plan.
        settings: Those that were chosen; `assistant_only_loss` and `answers_only` say what is learned.
    """
    said = {name: settings[name] for name in _SETTINGS.values() if name in settings}
    if not said or not report.chooses_learned(method):
        return report
    if True in said.values():
        return report.with_learned("answers")
    return report.with_learned("all") if said.get(_SETTINGS.get(report.learns(method), "")) is False else report


def learned_as(data: DataStats) -> dict[str, bool]:
    """The settings by which conversations are learned as the report says."""
    return {name: data.learns == way for way, name in _SETTINGS.items()}


def _applied(report: ValidationReport, method: str) -> dict[str, Any]:
    mapping, fixes = report.verdicts[method].mapping, [fix for fix in report.fixes if fix.concerns(method)]
    return {"mapping": mapping.to_dict() if mapping else None, "fixes": [fix.to_dict() for fix in fixes]}


def _with_pictures(facts: DataStats, report: ValidationReport, method: str, tokens: PictureTokens) -> DataStats:
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
        lengths=facts.lengths and facts.lengths.longer_by(mean),
        trained_share=None if share is None else share * facts.tokens_per_row / (facts.tokens_per_row + mean),
        tokens_source=f"{facts.tokens_source}, and about {each:,.0f} for each picture",
    )


def _lengths(report: ValidationReport, method: str) -> RowLengths | None:
    """The length of each row that the report counted, standing for all rows."""
    found = report.lengths.get(method)
    if found is None or not len(found.total):
        return None
    return RowLengths.of(found.total.tolist(), _rows(report, method))


# columns that may hold what a good answer looks like
_REFERENCES = ("answer", "solution", "completion", "response")


def _answers(report: ValidationReport, method: str) -> RowLengths | None:
    """How long the reference answers are that generated ones are compared with."""
    if not METHODS[method].generates or report.counter is None:
        return None
    rows = [row for row in report.rows_for(method, _SAMPLE_ROWS) if any(row.get(name) for name in _REFERENCES)]
    texts = [max((str(row.get(name) or "") for name in _REFERENCES), key=len) for row in rows]
    return RowLengths.of(report.counter(texts), _rows(report, method)) if texts else None


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
    share = int(lengths.trained.sum()) / max(1, int(lengths.total.sum()))
    return max(1.0, float(lengths.total.mean())), max(1, lengths.quantile(0.99)), min(1.0, share)


def _counted(report: ValidationReport, method: str) -> tuple[float, int, float | None] | None:
    """The same for a method that the report did not count, from rows spread over the data."""
    texts = [[passage.text for passage in reading.passages] for reading in _read(report, method)]
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
